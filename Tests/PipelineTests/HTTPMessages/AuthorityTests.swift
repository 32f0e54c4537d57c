import HTTPMessages
import Testing

struct AuthorityTests {
    static let authorities: [(String, String, Int?)] = [
        ("example.com", "example.com", nil), ("example.com:80", "example.com", 80), ("example.com:", "example.com", nil),
        ("example.com:65535", "example.com", 65_535), ("example.com:00080", "example.com", 80), ("a_b-c~d.e:1", "a_b-c~d.e", 1),
        ("127.0.0.1:8080", "127.0.0.1", 8_080), ("[::1]", "::1", nil), ("[::1]:443", "::1", 443), ("[::1]:", "::1", nil),
        ("[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1), ("EXAMPLE:1", "EXAMPLE", 1),
        (String(repeating: "a", count: 255), String(repeating: "a", count: 255), nil),
    ]

    @Test(arguments: authorities)
    func hostAndPort(_ text: String, _ host: String, _ port: Int?) {
        #expect(Authority(text) == Authority(host: host, port: port))
    }

    @Test(arguments: [
        "", ":", ":80", "a:0", "a:65536", "a:000080", "a:-1", "a:+1", "a:8O", "a:80:81", "a:99999999999999999999", "a b", "a/b",
        "user@a", "a%20b", "ä.example", "a\r", "[", "[]", "[]:80", "[::1", "[::1]80", "[::1]:0", "[::1]:x", "[fe80::1%eth0]",
        "[g::1]", "::1", "[::1][::1]", String(repeating: "a", count: 256),
    ])
    func noAuthority(_ text: String) {
        #expect(Authority(text) == nil)
    }
}
