import Addresses
import NIOCore
import Testing

@Suite struct ClientNetworkTests {
    @Test(
        arguments: [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            // An IPv4 address counts as itself, however the listener sees it.
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            // The first 64 bits are those of no IPv4 address.
            ("::1", "0.0.0.1", false),
            ("::c000:201", "192.0.2.1", false),
            (nil, nil, true),
            (nil, "0.0.0.0", false),
        ] as [(String?, String?, Bool)])
    func `Who is one client`(first: String?, second: String?, isOne: Bool) throws {
        func network(_ address: String?, port: Int) throws -> ClientNetwork {
            ClientNetwork(try address.map { try SocketAddress(ipAddress: $0, port: port) })
        }
        #expect(try (network(first, port: 1) == network(second, port: 2)) == isOne)
    }
}
