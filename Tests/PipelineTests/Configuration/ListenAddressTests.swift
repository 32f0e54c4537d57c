import Testing

@testable import Pipeline

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1:80", true), ("127.0.0.1:80", "127.0.0.1:81", false), ("127.0.0.1:0", "127.0.0.1:0", false),
        ("127.0.0.1:80", "127.0.0.2:80", false), ("127.0.0.1:80", "127.1:80", true),
        ("127.0.0.1:80", "[::ffff:127.0.0.1]:80", true),
        ("0.0.0.0:80", "127.0.0.1:80", true), ("0.0.0.0:80", "[::1]:80", false), ("0.0.0.0:80", "localhost:80", true),
        ("[::]:80", "127.0.0.1:80", true), ("[::]:80", "[::1]:80", true), ("[::]:80", "0.0.0.0:80", true),
        ("localhost:80", "127.0.0.1:80", true), ("localhost:80", "[::1]:80", true), ("LocalHost:80", "localhost.:80", true),
        ("localhost:80", "127.0.0.2:80", false), ("localhost:80", "10.0.0.1:80", false),
        ("a.example:80", "A.example:80", true), ("a.example:80", "b.example:80", false), ("a.example:80", "0.0.0.0:80", true),
        ("a.example:80", "127.0.0.1:80", false), ("unix:/x", "127.0.0.1:80", false), ("unix:/tmp/x", "unix:/tmp/x", true),
        ("unix:/tmp/x", "unix:/tmp/../tmp/./x", true), ("unix:/tmp/x", "unix:/tmp/y", false), ("unix:x", "unix:./x", true),
    ])
    func `Two that can't be listened on at a time`(one: String, other: String, collide: Bool) throws {
        let (one, other) = (try ListenAddress(configured: one), try ListenAddress(configured: other))
        #expect(one.collides(with: other) == collide)
        #expect(other.collides(with: one) == collide)
    }

    @Test(
        arguments: [
            ("localhost:80", "127.0.0.1:80"), ("a.example:80", "0.0.0.0:80"), ("127.0.0.1:80", nil), ("[::1]:80", nil),
            ("unix:/x", nil),
            ("127.1:80", nil),
        ] as [(String, String?)])
    func `A name has a warning`(text: String, hint: String?) throws {
        let problems = try ListenAddress(configured: text).problems(key: "listen")
        #expect(problems.count == (hint == nil ? 0 : 1))
        if let hint { #expect(problems.first?.isWarning == true && problems.first?.hint?.contains(hint) == true) }
    }
}
