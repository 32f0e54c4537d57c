import Pipeline
import Testing

@testable import TunnelStages

@Suite struct PeerNameTests {
    private func identity(dns: [String] = [], uris: [String] = [], commonName: String? = nil) -> PeerIdentity {
        PeerIdentity(subject: "CN=x", commonName: commonName, dnsNames: dns, uris: uris, publicKeyHash: "")
    }

    @Test(arguments: [
        ("tunnel.example.org", "tunnel.example.org", true),
        ("Tunnel.Example.ORG", "tunnel.example.org", true),
        ("tunnel.example.org", "TUNNEL.example.org", true),
        ("tunnel.example.org.", "tunnel.example.org", true),
        ("localhost", "localhost", true),
        ("a.example.org", "*.example.org", true),
        ("xn--bcher-kva.example.org", "*.example.org", true),
        ("example.org", "*.example.org", false),
        ("a.b.example.org", "*.example.org", false),
        ("evil-example.org", "*.example.org", false),
        ("example.org", "*.org", false),
        ("a.example.org", "*", false),
        ("a.example.org", "a.*.org", false),
        ("a.example.org", "*.*.org", false),
        ("ab.example.org", "a*.example.org", false),
        ("tunnel.example.org", "tunnel.example.com", false),
        ("tunnel.example.org", "", false),
        ("tunnel.example.org", "tunnel.example.org.evil.example", false),
    ])
    func dnsNames(wanted: String, presented: String, matches: Bool) throws {
        let name = try #require(PeerName(wanted))
        #expect(identity(dns: [presented]).carries(name) == matches)
        #expect(identity(dns: ["other.example", presented]).carries(name) == matches)
        #expect(!identity(uris: [presented]).carries(name))
    }

    @Test(arguments: [
        ("spiffe://example.org/server", "spiffe://example.org/server", true),
        ("SPIFFE://Example.org/server", "spiffe://example.ORG/server", true),
        ("spiffe://example.org/server", "spiffe://example.org/Server", false),
        ("spiffe://example.org/server", "spiffe://example.org/server/", false),
        ("spiffe://example.org/server", "spiffe://example.org", false),
        ("https://example.org", "example.org", false),
    ])
    func uris(wanted: String, presented: String, matches: Bool) throws {
        let name = try #require(PeerName(wanted))
        #expect(identity(uris: [presented]).carries(name) == matches)
        #expect(!identity(dns: [presented]).carries(name))
    }

    /// An address is never a name, not even for a certificate that has it as a DNS name.
    @Test(arguments: [
        "127.0.0.1", "10.1", "2130706433", "0x7f.1", "0x7f000001", "1.2.3.4.", "::1", "[::1]", "fe80::1%eth0", "2001:db8::1",
        "", ".", "a..b", ".a", "two words", "*.example.org", "a\0b", "bücher.example", "\u{212A}elvin.example", "://x",
        "1a://x", "a:b", "a://b c",
    ])
    func whatIsNoName(text: String) {
        #expect(PeerName(text) == nil)
    }

    @Test func commonNameDoesNotCount() throws {
        let name = try #require(PeerName("tunnel.example.org"))
        #expect(!identity(commonName: "tunnel.example.org").carries(name))
    }
}
