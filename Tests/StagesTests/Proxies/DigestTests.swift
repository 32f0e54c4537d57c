import Testing

@testable import TunnelStages

@Suite struct DigestTests {
    private func session(_ challenge: String, count: UInt32 = 1) -> DigestSession? {
        AuthenticationSchemes([challenge]).challenges.first.flatMap(DigestChallenge.init).map {
            DigestSession(challenge: $0, count: count)
        }
    }

    private static let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    private static let clientNonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

    /// The examples of RFC 7616, 3.9.1, and of RFC 2617, 3.5, and RFC 2069, 2.4 (as its erratum 749 has it).
    @Test(
        arguments: [
            (
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, nonce=\"\(nonce)\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
                "Mufasa", "Circle of Life", "/dir/index.html", clientNonce, "8ca523f5e9506fed4657c9700eebdbec"
            ),
            (
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, nonce=\"\(nonce)\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
                "Mufasa", "Circle of Life", "/dir/index.html", clientNonce,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
            ),
            (
                "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
                "Mufasa", "Circle Of Life", "/dir/index.html", "0a4f113b", "6629fae49393a05397450978507c4ef1"
            ),
            (
                "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
                "Mufasa", "CircleOfLife", "/dir/index.html", "", "1949323746fe6a43ef61f9606e7febea"
            ),
        ])
    func `Examples of the standards`(
        challenge: String, user: String, password: String, target: String, clientNonce: String, response: String
    ) throws {
        let value = try #require(session(challenge)).authorization(
            user: user, password: password, method: "GET", target: target, clientNonce: clientNonce)
        #expect(value.contains("response=\"\(response)\""))
        #expect(value.hasPrefix("Digest username=\"Mufasa\", realm=\""))
        #expect(value.contains("qop=auth, nc=00000001") == challenge.contains("qop"))
    }

    @Test func `Users that are hashed, and names with quotes`() throws {
        let hashed = try #require(
            session("Digest realm=x, nonce=\"a\\\"b\", qop=auth, userhash=true, algorithm=sha-256-SESS", count: 0x1F))
        let value = hashed.authorization(user: "anna", password: "p", method: "CONNECT", target: "h:1", clientNonce: "c")
        #expect(value.contains("nonce=\"a\\\"b\"") && value.contains("nc=0000001f") && value.hasSuffix("userhash=true"))
        #expect(!value.contains("anna") && value.contains("algorithm=sha-256-SESS"))
        let quoted = try #require(session("Digest realm=x, nonce=n"))
        #expect(
            quoted.authorization(user: "a\"\\", password: "", method: "GET", target: "/", clientNonce: "").contains(
                "username=\"a\\\"\\\\\""))
    }

    @Test(arguments: [
        "Digest nonce=n", "Digest realm=x", "Digest realm=x, nonce=n, algorithm=SHA-512-256",
        "Digest realm=x, nonce=n, qop=auth-int",
        "Basic realm=x, nonce=n",
    ])
    func `What can't be answered`(challenge: String) { #expect(session(challenge) == nil) }

    @Test func `The strongest of several`() throws {
        let offered = AuthenticationSchemes([
            "Digest realm=x, nonce=1, algorithm=SHA-512-256, Digest realm=x, nonce=2, algorithm=MD5",
            "Basic realm=x, Digest realm=x, nonce=3, algorithm=\"SHA-256\", stale=true",
        ])
        let strongest = try #require(DigestChallenge.strongest(of: offered.challenges(of: "digest")))
        #expect(strongest.nonce == "3" && strongest.isStale)
        #expect(DigestChallenge.strongest(of: []) == nil)
    }
}
