import Testing

@testable import Pipeline

@Suite struct HostNameTests {
    @Test(arguments: [
        "localhost", "a", "a.b.", "a-b.c_d.example", "xn--bcher-kva.example", "3com.com", "10.1.2.3", "127.1", "0x7f.1", "0",
        "1.2.3.4.", "a.b1", "_srv.example", String(repeating: "a.", count: 126) + "a",
    ])
    func `What may be a host`(host: String) throws {
        #expect(HostName.problem(of: host) == nil)
        let address = try HostPort(configured: "\(host):80")
        #expect(address.host == host)
    }

    @Test(arguments: ["::1", "fe80::1%eth0", "::ffff:1.2.3.4"])
    func `Addresses in brackets`(host: String) throws {
        #expect(try HostPort(configured: "[\(host)]:80").host == host)
    }

    @Test(arguments: [
        "a..b", ".a", ".", "..", "$HOST", "${HOST}", "a b", "-a", "a.-b", "*", "*.a", "a!", "bücher.example", "1.2.3.4.5",
        "256.1.1.1",
        "example.1", "a:b", "[a]", "a@b", "%41", String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "a",
    ])
    func `What is no host`(host: String) {
        #expect(HostName.problem(of: host) != nil)
        #expect(throws: InvalidValue.self) { try HostPort(configured: "\(host):80") }
        #expect(throws: InvalidValue.self) { try ListenAddress(configured: "\(host):80") }
    }

    @Test func `What was meant`() {
        #expect(HostName.problem(of: "*")?.hint?.contains("0.0.0.0") == true)
        #expect(HostName.problem(of: "$HOST")?.hint?.contains("${env:NAME}") == true)
    }

    @Test(arguments: ["[::1%]x:80", "[:::]:80", "[1.2.3.4]:80", "[a]:80", "[]:80", "[::1:80"])
    func `What isn't in brackets`(text: String) {
        #expect(throws: InvalidValue.self) { try HostPort(configured: text) }
    }
}
