import NIOCore
import Testing

@testable import Pipeline

@Suite struct ReservedAddressesTests {
    private static func address(_ host: String, _ port: Int) throws -> SocketAddress {
        try SocketAddress(ipAddress: host, port: port)
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", 9900, true), ("127.0.0.1", "127.0.0.1", 9901, false),
        ("127.0.0.1", "::ffff:127.0.0.1", 9900, true), ("127.0.0.1", "0.0.0.0", 9900, true),
        ("127.0.0.1", "::", 9900, true), ("127.0.0.1", "192.0.2.7", 9900, false), ("127.0.0.1", "127.0.0.2", 9900, false),
        ("0.0.0.0", "127.0.0.2", 9900, true), ("0.0.0.0", "::1", 9900, true), ("0.0.0.0", "192.0.2.7", 9900, false),
        ("::", "127.0.0.1", 9900, true), ("::1", "::1", 9900, true), ("::1", "127.0.0.1", 9900, false),
        // An address of this machine's own, in whatever form.
        ("192.0.2.7", "192.0.2.7", 9900, true), ("192.0.2.7", "::ffff:c000:207", 9900, true), ("192.0.2.7", "0.0.0.0", 9900, true),
        ("192.0.2.7", "::", 9900, true), ("192.0.2.7", "64:ff9b::192.0.2.7", 9900, true), ("192.0.2.7", "::192.0.2.7", 9900, true),
        ("192.0.2.7", "::ffff:0:192.0.2.7", 9900, true), ("192.0.2.7", "2002:c000:207::1", 9900, true),
        ("192.0.2.7", "fd00::5efe:192.0.2.7", 9900, true), ("192.0.2.7", "192.0.2.8", 9900, false),
        ("192.0.2.7", "127.0.0.1", 9900, false), ("::ffff:127.0.0.1", "127.0.0.1", 9900, true),
        ("2001:db8::7", "2001:db8:0::0007", 9900, true), ("127.0.0.1", "64:ff9b::127.0.0.1", 9900, true),
        ("127.0.0.1", "64:ff9b::", 9900, true), ("0.0.0.0", "::ffff:127.9.9.9", 9900, true), ("::", "2002:7f00:1::", 9900, true),
        ("0.0.0.0", "2001:db8::7", 9900, false), ("0.0.0.0", "::ffff:0.0.0.0", 9901, false),
    ])
    func whatLeadsToTheListener(listening: String, dialled: String, port: Int, isReserved: Bool) throws {
        let reserved = ReservedAddresses()
        #expect(try !reserved.contains(Self.address(dialled, port)))
        reserved.add(try Self.address(listening, 9900))
        #expect(try reserved.contains(Self.address(dialled, port)) == isReserved)
    }
}
