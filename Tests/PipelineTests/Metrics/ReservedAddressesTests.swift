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
    ])
    func whatLeadsToTheListener(listening: String, dialled: String, port: Int, isReserved: Bool) throws {
        let reserved = ReservedAddresses()
        #expect(try !reserved.contains(Self.address(dialled, port)))
        reserved.add(try Self.address(listening, 9900))
        #expect(try reserved.contains(Self.address(dialled, port)) == isReserved)
    }
}
