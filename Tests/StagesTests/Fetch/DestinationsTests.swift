import Addresses
import NIOCore
import Testing

@testable import TunnelStages

@Suite struct DestinationsTests {
    private func allows(_ destinations: Destinations, _ address: String) throws -> Bool {
        destinations.allow(try SocketAddress(ipAddress: address, port: 80))
    }

    /// Link-local addresses and those at which clouds give away credentials.
    private static let sensitive = [
        "169.254.169.254", "169.254.170.2", "169.254.1.1", "100.100.100.200", "168.63.129.16", "fe80::1", "fd00:ec2::254",
        "::ffff:169.254.169.254", "64:ff9b::169.254.169.254",
    ]

    @Test(arguments: sensitive)
    func noWordAndNoNetworkOpensASensitiveAddress(_ address: String) throws {
        #expect(try !allows(.public, address))
        #expect(try !allows(.any, address))
        #expect(try !allows(.networks(["0.0.0.0/0", "::/0"], withPublic: true), address))
        // Just what is refused otherwise, and the narrowest networks that aren't an address.
        #expect(try !allows(.networks(["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.64.0.0/10"]), address))
        #expect(try !allows(.networks(["169.254.169.254/31", "169.254.170.2/31", "fe80::/127", "168.63.129.16/31"]), address))
    }

    @Test func theAddressItselfOpensASensitiveAddress() throws {
        let named = Destinations.networks(["169.254.170.2", "fe80::1/128", "0.0.0.0/0"])
        #expect(try allows(named, "169.254.170.2"))
        #expect(try allows(named, "::ffff:169.254.170.2"), "the same, inside an IPv6 address")
        #expect(try allows(named, "fe80::1"))
        #expect(try !allows(named, "169.254.170.3"))
        #expect(try !allows(named, "169.254.169.254"))
        #expect(try !allows(named, "fe80::2"))
    }

    @Test(arguments: [
        ("127.0.0.1", false), ("10.1.2.3", false), ("172.31.255.255", false), ("172.32.0.1", true), ("192.168.0.1", false),
        ("100.63.255.255", true), ("100.64.0.1", false), ("224.0.0.1", false), ("255.255.255.255", false), ("0.0.0.0", false),
        ("93.184.215.14", true), ("::1", false), ("::", false), ("fd00::1", false), ("ff02::1", false), ("2606:4700::1111", true),
        ("2002:7f00:1::", false), ("2001:db8::1", false), ("::ffff:10.0.0.1", false), ("::ffff:8.8.8.8", true),
    ])
    func publicAddresses(_ address: String, _ isPublic: Bool) throws {
        #expect(try allows(.public, address) == isPublic)
        #expect(try allows(.networks(["203.0.113.7"], withPublic: true), address) == isPublic)
        #expect(try !allows(.networks(["203.0.113.7"]), address))
        #expect(try allows(.any, address))
    }

    @Test func networks() throws {
        let some = Destinations.networks(["10.0.0.0/8", "fd00:1::/32"])
        #expect(try allows(some, "10.255.0.1"))
        #expect(try allows(some, "fd00:1::5"))
        #expect(try !allows(some, "11.0.0.1"))
        #expect(try !allows(some, "fd00:2::5"))
    }
}
