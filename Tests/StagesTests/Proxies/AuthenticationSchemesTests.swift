import Testing
import TunnelStages

@Suite struct AuthenticationSchemesTests {
    @Test(
        arguments: [
            ([], []),
            ([""], []),
            (["Basic realm=\"x\""], ["Basic"]),
            (["basic"], ["basic"]),
            (["Negotiate", "NTLM"], ["Negotiate", "NTLM"]),
            (["Negotiate, NTLM, Basic realm=x"], ["Negotiate", "NTLM", "Basic"]),
            // Commas and words of a quoted string are no elements of the list.
            (["Digest realm=\"a, Basic b\", nonce=\"1,2\", algorithm=MD5, Negotiate"], ["Digest", "Negotiate"]),
            (["Digest realm=\"a\\\", Basic\", nonce=1"], ["Digest"]),
            // A parameter may have spaces around its equals sign.
            (["Basic realm = \"x\" , charset = UTF-8"], ["Basic"]),
            (["NTLM TlRMTVNTUAACAAAA==, Basic realm=x"], ["NTLM", "Basic"]),
            ([" ,, Basic ,"], ["Basic"]),
            (["Basic realm=\"without end, NTLM"], ["Basic"]),
            (["Basic", "BASIC realm=y"], ["Basic"]),
            (["=x, \"Basic\", realm=y"], []),
            (["a,b,c,d,e,f,g,h,i,j"], ["a", "b", "c", "d", "e", "f", "g", "h"]),
            ([String(repeating: "x", count: 33)], []),
        ] as [([String], [String])])
    func `What is offered`(fields: [String], names: [String]) {
        let schemes = AuthenticationSchemes(fields)
        #expect(schemes.names == names)
        #expect(schemes.offers("Basic") == names.contains { $0.lowercased() == "basic" })
    }

    @Test func `What comes with a scheme`() {
        let schemes = AuthenticationSchemes([
            "Negotiate YIIB==, NTLM, Digest realm = \"a, \\\"b\\\"\" , NONCE=1, nonce=2,qop=\"auth,auth-int\"",
            "Basic realm=x y, =z, charset=\"UTF-8",
        ])
        #expect(schemes.challenges(of: "negotiate").map(\.token) == ["YIIB=="])
        #expect(schemes.challenges(of: "NTLM").map(\.parameters) == [[:]] && schemes.challenges(of: "NTLM").map(\.token) == [nil])
        #expect(
            schemes.challenges(of: "Digest").map(\.parameters) == [["realm": "a, \"b\"", "nonce": "1", "qop": "auth,auth-int"]])
        #expect(schemes.challenges(of: "Basic").map(\.parameters) == [["realm": "x", "charset": "UTF-8"]])
        let many = AuthenticationSchemes(["Digest " + (0..<100).map { "p\($0)=\($0)" }.joined(separator: ",")])
        #expect(many.challenges.first?.parameters.count == 32)
    }
}
