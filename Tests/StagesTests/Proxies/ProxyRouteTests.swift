import ConfigurationLanguage
import Pipeline
import Testing
import TunnelStages

@Suite struct ProxyRouteTests {
    private let server = HostPort(host: "tunnel.example.com", port: 8443)

    @Test(
        arguments: [
            ("http://proxy.example:3128", "proxy.example:3128", nil),
            ("http://proxy.example", "proxy.example:80", nil),
            ("HTTP://proxy.example:3128/", "proxy.example:3128", nil),
            ("proxy.example:3128", "proxy.example:3128", nil),
            ("http://[::1]:3128", "[::1]:3128", nil),
            ("http://anna:secret@proxy.example:3128", "proxy.example:3128", "anna:secret"),
            ("http://anna@proxy.example:3128", "proxy.example:3128", "anna:"),
            ("http://dom%5Canna:p%40ss:w%C3%B6rd@proxy.example:3128", "proxy.example:3128", "dom\\anna:p@ss:wörd"),
            ("http://anna:p@ss@proxy.example:3128", "proxy.example:3128", "anna:p@ss"),
        ] as [(String, String, String?)])
    func `Proxies' URLs`(url: String, text: String, credentials: String?) throws {
        let address = try ProxyAddress(url: url)
        #expect(address.text == text)
        #expect(address.credentials?.revealed == credentials)
    }

    @Test(arguments: [
        ("https://proxy.example", "proxy.example:443", true), ("HTTPS://[::1]:3129/", "[::1]:3129", true),
        ("http://a", "a:80", false),
    ])
    func `Proxies behind TLS`(url: String, text: String, isSecure: Bool) throws {
        let address = try ProxyAddress(url: url)
        #expect(address.text == text && address.isSecure == isSecure)
    }

    @Test(arguments: [
        "", "http://", "https://", "ftp://proxy.example:3128", "socks5://proxy.example", "http://proxy.example:0",
        "http://proxy.example:http",
        "http://a%3Ab:c@proxy.example", "http://anna:%0A@proxy.example", "http://anna:%F@proxy.example",
        "http://anna:%FF@proxy.example",
        "http://two words", "http://[::1:3128",
    ])
    func `What is no proxy's URL`(url: String) {
        #expect(throws: InvalidValue.self) { try ProxyAddress(url: url) }
    }

    @Test(arguments: [
        ("", false), ("*", true), ("example.com", true), (".example.com", true), ("*.example.com", true), ("EXAMPLE.com.", true),
        ("tunnel.example.com", true), ("tunnel.example.com:8443", true), ("example.com:443", false), ("ample.com", false),
        ("other.example, localhost example.com", true), ("other.tunnel.example.com", false), ("10.0.0.0/8", false), (",,", false),
    ])
    func `Names in NO_PROXY`(list: String, isCovered: Bool) {
        #expect(NoProxyList(list).covers(server) == isCovered)
    }

    @Test(arguments: [
        ("10.1.2.3", "10.0.0.0/8", true), ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "10.1.2.3:8443", true),
        ("10.1.2.3", "10.1.2.3:443", false), ("10.1.2.3", "11.0.0.0/8,192.168.0.0/16", false), ("10.1.2.3", "2.3", false),
        ("fd00::1", "fd00::/8", true), ("fd00::1", "[fd00::1]:8443", true), ("fe80::1", "fd00::/8", false),
    ])
    func `Addresses in NO_PROXY`(host: String, list: String, isCovered: Bool) {
        #expect(NoProxyList(list).covers(HostPort(host: host, port: 8443)) == isCovered)
    }

    @Test(arguments: [
        ([:], "direct"),
        (["HTTPS_PROXY": "http://a:1"], "a:1"),
        (["HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2", "ALL_PROXY": "http://c:3"], "b:2"),
        (["ALL_PROXY": "c:3", "HTTP_PROXY": "d:4"], "c:3"),
        (["HTTP_PROXY": "d:4"], "direct"),
        (["HTTPS_PROXY": "", "all_proxy": "c:3"], "c:3"),
        (["HTTPS_PROXY": "http://a:1", "NO_PROXY": "example.com"], "direct"),
        (["HTTPS_PROXY": "http://a:1", "NO_PROXY": "example.com", "no_proxy": "example.org"], "a:1"),
    ])
    func `The environment`(variables: [String: String], expected: String) throws {
        let route = try ProxyEnvironment { variables[$0] }.route(to: server)
        #expect(route.text == expected)
    }

    @Test func `A wrong proxy in the environment is named without its password`() {
        let error = #expect(throws: StageError.self) {
            try ProxyEnvironment { $0 == "HTTPS_PROXY" ? "socks5://anna:secret@a:1" : nil }.route(to: server)
        }
        #expect(error?.message.contains("HTTPS_PROXY") == true)
        #expect(error?.message.contains("secret") == false)
    }
}
