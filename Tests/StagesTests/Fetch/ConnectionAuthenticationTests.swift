import HTTPMessages
import Testing

@testable import TunnelStages

/// Which credentials and which answers may count for a whole connection.
@Suite struct ConnectionAuthenticationTests {
    @Test(arguments: [
        ([], false),
        ([("Authorization", "Basic YTpi")], false),
        ([("authorization", "bearer abc")], false),
        ([("Authorization", "Token abc")], false),
        ([("Authorization", "DIGEST username=\"a\"")], false),
        ([("Authorization", "AWS4-HMAC-SHA256 Credential=a")], false),
        ([("Authorization", "")], false),
        ([("Authorization", "NTLM TlRMTVNTUAAB")], true),
        ([("AUTHORIZATION", "negotiate YII=")], true),
        ([("Authorization", "Negotiate")], true),
        ([("Authorization", "Kerberos YII=")], true),
        ([("Authorization", "Basically YTpi")], true),
        ([("Authorization", "a-token-alone")], true),
        ([("Authorization", "Basic YTpi"), ("Authorization", "NTLM TlRM")], true),
        ([("Proxy-Authorization", "NTLM TlRM"), ("X-Authorization", "NTLM TlRM")], false),
    ])
    func `A request's credentials`(_ fields: [(String, String)], _ expected: Bool) {
        let head = RequestHead(method: "GET", scheme: .http, authority: "a", path: "/", fields: HeaderFields(fields))
        #expect(ConnectionAuthentication.isUsed(by: head) == expected)
    }

    /// RFC 4559, 6: whether a client hears that its connection is kept for it.
    @Test(
        arguments: [
            (401, [("WWW-Authenticate", "Negotiate")], true),
            (401, [("www-authenticate", "Basic realm=x"), ("WWW-Authenticate", "NTLM")], true),
            (401, [("WWW-Authenticate", "Basic realm=NTLM")], false), (200, [("WWW-Authenticate", "Negotiate oYG2")], false),
            (401, [], false),
        ] as [(Int, [(String, String)], Bool)])
    func `An origin's offer`(_ status: Int, _ fields: [(String, String)], _ expected: Bool) {
        #expect(ConnectionAuthentication.isOffered(by: ResponseHead(status: status, fields: HeaderFields(fields))) == expected)
    }

    @Test(arguments: [
        ([], false),
        // The offer alone: nobody has answered it yet.
        ([("WWW-Authenticate", "NTLM"), ("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "Basic realm=x")], false),
        ([("WWW-Authenticate", "NTLM TlRMTVNTUAAC")], true),
        ([("www-authenticate", "negotiate oYG2")], true),
        ([("WWW-Authenticate", "Basic realm=NTLM")], false),
        ([("Persistent-Auth", "true")], true),
        ([("Persistent-Auth", "false")], false),
    ])
    func `An origin's answer`(_ fields: [(String, String)], _ expected: Bool) {
        for status in [200, 401] {
            #expect(ConnectionAuthentication.isUsed(by: ResponseHead(status: status, fields: HeaderFields(fields))) == expected)
        }
    }
}
