import NIOCore
import Testing

@testable import Addresses
@testable import Pipeline

@Suite struct IPAddressTests {
    /// The ways in which `inet_aton` reads an address, of which `getaddrinfo` makes the same.
    private static func hosts(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> [String] {
        let hexadecimal = { (number: UInt32) in "0x" + String(number, radix: 16) }
        let octal = { (number: UInt32) in "0" + String(number, radix: 8) }
        let whole = a << 24 | b << 16 | c << 8 | d
        let dotted = "\(a).\(b).\(c).\(d)"
        return [
            dotted, dotted + ".", [a, b, c, d].map(hexadecimal).joined(separator: "."),
            [a, b, c, d].map(octal).joined(separator: "."), "\(hexadecimal(a)).\(b).\(octal(c)).\(d)",
            "00\(octal(a)).\(b).\(c).\(d)",
            "\(a).\(b).\(c << 8 | d)", "\(a).\(b).\(hexadecimal(c << 8 | d))", "\(a).\(b << 16 | c << 8 | d)",
            "\(octal(a)).\(octal(b << 16 | c << 8 | d))", "\(whole)", hexadecimal(whole), octal(whole), "\(whole).",
            hexadecimal(whole).uppercased().replacing("0X", with: "0x"), hexadecimal(whole).uppercased(),
            "0x0000\(String(whole, radix: 16))",
            "::ffff:\(dotted)", "::FFFF:\(dotted)", "0:0:0:0:0:ffff:\(dotted)", "0000:0000:0000:0000:0000:ffff:\(dotted)",
            "::ffff:\(String(a << 8 | b, radix: 16)):\(String(c << 8 | d, radix: 16))",
        ]
    }

    @Test(arguments: [
        [127, 0, 0, 1], [0, 0, 0, 0], [10, 1, 2, 3], [169, 254, 169, 254], [8, 8, 8, 8], [255, 255, 255, 255], [1, 1, 0, 1],
        [0, 1, 0, 1],
        [192, 168, 200, 7], [100, 64, 0, 1],
    ])
    func `The ways to write an IPv4 address as a host`(bytes: [UInt32]) {
        let expected = IPAddress(v4: bytes.reduce(0) { $0 << 8 | $1 })
        for host in Self.hosts(bytes[0], bytes[1], bytes[2], bytes[3]) {
            #expect(IPAddress(host: host) == expected, "\(host)")
        }
    }

    /// What is dialled is what was judged, also where a system's resolver is asked instead.
    @Test(arguments: [
        "0", "00", "0x0", "127.1", "0x7f.1", "017700000001", "2130706433", "0177.0.0.1", "127.0.1", "1.0x10", "010.1.1.1",
    ])
    func `The resolver makes the same of a number`(host: String) throws {
        let resolved = try SocketAddress.makeAddressResolvingHost(host, port: 1)
        #expect(IPAddress(host: host) == IPAddress(resolved))
        #expect(IPAddress(host: host) != nil)
    }

    @Test(arguments: [
        "", ".", "..", "1..2", "127.0.0.1..", "256.0.0.1", "1.2.3.4.5", "4294967296", "0x100000000", "127.0.0.0x", "08", "1.2.3.4a",
        "a.1",
        "localhost", "1e100.net", "127.example", "0xg", "-1", "+1", " 127.0.0.1", "127.0.0.1 ", "127.0.0.1\0", "127.0.0.1\n",
        "１２７.0.0.1",
        ":", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345", "::g", "[::1]", "::1\0", "%lo", "%",
        "::ffff:127.0.0.1.",
        "::ffff:127.1", "::127.0.0.256", "1:2:3:4:5:6:7:127.0.0.1", String(repeating: "1", count: 5_000),
        String(repeating: ":", count: 5_000),
    ])
    func `What is no address`(host: String) {
        #expect(IPAddress(host: host) == nil)
        #expect(IPAddress(host) == nil)
    }

    /// A configuration and a socket have addresses in the usual forms alone.
    @Test(arguments: ["127.1", "0x7f.0.0.1", "2130706433", "0", "127.0.0.1.", "fe80::1%lo", "127.0.0.1/8"])
    func `What is an address as a host alone`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("::1", "::1"), ("0:0:0:0:0:0:0:1", "::1"), ("2001:DB8::A", "2001:db8::a"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"), ("::", "::"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("::fffe:192.0.2.1", "::fffe:c000:201"), ("::1:ffff:192.0.2.1", "::1:ffff:c000:201"),
        ("::ffff:0:192.0.2.1", "::ffff:0:c000:201"),
    ])
    func `An address is written again as the library does`(text: String, printed: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == printed)
        #expect(IPAddress(printed) == address)
        #expect(address.bytes.count * 8 == address.family.bits)
        #expect(IPAddress(host: text) == address)
        let socket = try SocketAddress(ipAddress: text, port: 7)
        #expect(IPAddress(socket) == address)
        let made = try #require(SocketAddress(address, port: 65_535))
        #expect(made.port == 65_535 && IPAddress(made) == address)
    }

    @Test func `A zone says by which link and not to whom`() throws {
        let scoped = try #require(IPAddress(host: "fe80::1%eth0"))
        #expect(scoped == IPAddress("fe80::1"))
        #expect(IPAddress(host: "::1%lo")?.isThisMachine == true)
    }

    @Test func `A Unix socket has no address`() throws {
        #expect(IPAddress(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true, true), ("127.255.0.3", true, true), ("126.0.0.1", false, false), ("128.0.0.1", false, false),
        ("::1", true, true), ("::2", false, false), ("::ffff:127.0.0.1", true, true), ("fe80::1", false, false),
        // They are dialled as this machine, and listened on as every address of it.
        ("0.0.0.0", false, true), ("::", false, true), ("::ffff:0.0.0.0", false, true), ("0.0.0.1", false, false),
        // They may lead here, and may lead elsewhere.
        ("::127.0.0.1", false, false), ("::ffff:0:127.0.0.1", false, false), ("2002:7f00:1::", false, false),
        // The translator's machine.
        ("64:ff9b::127.0.0.1", false, false),
    ])
    func `This machine`(text: String, isLoopback: Bool, isThisMachine: Bool) throws {
        let address = try #require(IPAddress(text))
        #expect(address.isLoopback == isLoopback)
        #expect(address.isThisMachine == isThisMachine)
    }

    @Test(arguments: [
        ("localhost", true), ("LocalHost", true), ("localhost.", true), ("127.0.0.1", true), ("127.1", true), ("::1", true),
        ("0", true),
        ("127.evil.example", false), ("127.0.0.1.evil.example", false), ("localhost.evil.example", false), ("", false),
        ("10.0.0.1", false),
    ])
    func `Hosts that are this machine`(host: String, isThisMachine: Bool) {
        #expect(IPAddress.isThisMachine(host: host) == isThisMachine)
    }

    @Test(arguments: [
        ("http://127.0.0.1/wake", true), ("http://localhost:80/wake", true), ("http://[::1]/wake", true),
        ("http://127.example/wake", false),
        ("http://127.0.0.1.example/wake", false), ("http://[64:ff9b::127.0.0.1]/wake", false), ("http://10.0.0.1/wake", false),
    ])
    func `Endpoints on this machine`(url: String, isLoopback: Bool) throws {
        #expect(try EndpointURL(configured: url).isLoopback == isLoopback)
    }

    /// A client of a socket for both versions has the address that it came from.
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1:80"), ("::ffff:192.0.2.1", "192.0.2.1:80"), ("2001:db8::1", "[2001:db8::1]:80"), ("::", "[::]:80"),
    ])
    func `An address with its port, in words`(text: String, expected: String) throws {
        #expect(try SocketAddress(ipAddress: text, port: 80).shortDescription == expected)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("fe80::1", "fe80::"), ("2002:c000:201::1", "2002:c000:201::"),
    ])
    func `Who has an address`(text: String, holder: String) {
        #expect(IPAddress(text)?.holder == IPAddress(holder))
    }
}
