import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

/// Where a server may send an agent that has lost its connection, and where not.
@Suite struct DetourTests {
    private static let rows: [(String, String, Bool)] = [
        // On the Internet, wherever the usual place is.
        ("203.0.114.7", "198.51.101.1", true), ("203.0.114.7", "10.1.2.3", true), ("2a00:1450::7", "198.51.101.1", true),
        ("203.0.114.7", "127.0.0.1", true),
        // Nowhere that the usual place isn't as well.
        ("10.1.2.3", "198.51.101.1", false), ("192.168.1.1", "2a00:1450::7", false), ("127.0.0.1", "198.51.101.1", false),
        ("127.0.0.1", "10.1.2.3", false), ("::1", "10.1.2.3", false), ("100.64.0.1", "10.1.2.3", false),
        ("fd00::7", "2a00:1450::7", false),
        ("10.9.9.9", "10.1.2.3", true), ("192.168.1.1", "10.1.2.3", true), ("fd00::7", "10.1.2.3", true),
        ("127.0.0.2", "127.0.0.1", true),
        ("127.0.0.2", "::1", true), ("100.64.0.1", "100.64.9.9", true),
        // What nobody is to be dialled at, though the usual place be there.
        ("169.254.169.254", "169.254.1.1", false), ("fe80::1", "fe80::2", false), ("169.254.169.254", "198.51.101.1", false),
        ("fd00:ec2::254", "fd00::7", false), ("0.0.0.0", "198.51.101.1", false), ("::", "10.1.2.3", false),
        ("224.0.0.1", "198.51.101.1", false), ("255.255.255.255", "198.51.101.1", false), ("240.0.0.1", "198.51.101.1", false),
        // An address within another.
        ("64:ff9b::10.1.2.3", "198.51.101.1", false), ("64:ff9b::169.254.169.254", "10.1.2.3", false),
        ("::ffff:127.0.0.1", "198.51.101.1", false), ("2002:7f00:1::1", "198.51.101.1", false),
        ("64:ff9b::203.0.114.7", "198.51.101.1", false),
    ]

    @Test(arguments: DetourTests.rows)
    func `An address that leads deeper than the usual place isn't dialled`(
        _ address: String, _ known: String, _ allowed: Bool
    ) throws {
        let (ip, usual) = (try #require(IPAddress(host: address)), try #require(IPAddress(host: known)))
        #expect(Detour.allows(ip, after: usual) == allowed)
    }

    private func detour(
        _ place: HostPort = HostPort(host: "10.0.0.7", port: 8443), after known: IPAddress? = IPAddress(host: "10.0.0.1"),
        by routes: [Route] = [.direct], reserved: ReservedAddresses = ReservedAddresses()
    ) -> Detour? {
        Detour(to: place, after: known, by: routes, reserved: reserved)
    }

    @Test func `It is the direct way, and there is none without`() {
        #expect(detour()?.way == 0 && detour()?.place == HostPort(host: "10.0.0.7", port: 8443))
        let routes: [Route] = [.nowhere("no proxy is known"), .direct]
        #expect(detour(by: routes)?.way == 1)
        #expect(detour(by: [routes[0]]) == nil && detour(by: []) == nil)
    }

    @Test func `Where the usual place was never reached directly, nothing speaks for the address`() {
        #expect(detour(after: nil) == nil)
    }

    @Test func `A name is looked up for nobody`() {
        #expect(detour(HostPort(host: "server.example", port: 8443)) == nil)
    }

    @Test func `This process's admin listener isn't dialled`() throws {
        let reserved = ReservedAddresses()
        reserved.add(try SocketAddress(ipAddress: "127.0.0.1", port: 9901))
        let loopback = IPAddress(host: "127.0.0.1")
        #expect(detour(HostPort(host: "127.0.0.1", port: 9901), after: loopback, reserved: reserved) == nil)
        #expect(detour(HostPort(host: "127.0.0.1", port: 9902), after: loopback, reserved: reserved) != nil)
    }
}
