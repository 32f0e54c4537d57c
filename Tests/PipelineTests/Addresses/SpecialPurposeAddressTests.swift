import Testing

@testable import Addresses

@Suite struct SpecialPurposeAddressTests {
    @Test func `Every row is a block, and says which document it is from`() {
        #expect(SpecialPurposeAddress.v4.count + SpecialPurposeAddress.v6.count == SpecialPurposeAddress.rows.count)
        for row in SpecialPurposeAddress.rows {
            #expect(
                AddressBlock(row.block)?.base == IPAddress(String(row.block.prefix { $0 != "/" })), "\(row.block) begins elsewhere")
            #expect(row.reference.utf8CodeUnitCount > 0)
        }
    }

    /// The first row counts, so none may stand behind a wider one.
    @Test(arguments: [SpecialPurposeAddress.v4, SpecialPurposeAddress.v6])
    func `No row is hidden by one before it`(rows: [SpecialPurposeAddress]) {
        for (index, row) in rows.enumerated() {
            #expect(!rows[..<index].contains { $0.block.contains(row.block.base) && $0.block.prefix <= row.block.prefix }, "\(row)")
        }
    }

    /// The registries, with the first and the last address of each block and those beside it.
    @Test(
        arguments: [
            ("0.0.0.0", .thisHost), ("0.0.0.1", .thisNetwork), ("0.255.255.255", .thisNetwork), ("1.0.0.0", nil),
            ("9.255.255.255", nil),
            ("10.0.0.0", .privateUse), ("10.255.255.255", .privateUse), ("11.0.0.0", nil), ("100.63.255.255", nil),
            ("100.64.0.0", .sharedSpace),
            ("100.127.255.255", .sharedSpace), ("100.128.0.0", nil), ("100.100.100.200", .metadata), ("126.255.255.255", nil),
            ("127.0.0.0", .loopback), ("127.255.255.255", .loopback), ("128.0.0.0", nil), ("168.63.129.15", nil),
            ("168.63.129.16", .metadata),
            ("168.63.129.17", nil), ("169.253.255.255", nil), ("169.254.0.0", .linkLocal), ("169.254.255.255", .linkLocal),
            ("169.255.0.0", nil),
            ("172.15.255.255", nil), ("172.16.0.0", .privateUse), ("172.31.255.255", .privateUse), ("172.32.0.0", nil),
            ("191.255.255.255", nil),
            ("192.0.0.0", .protocolAssignment), ("192.0.0.9", .protocolAssignment), ("192.0.0.192", .metadata),
            ("192.0.0.255", .protocolAssignment),
            ("192.0.1.0", nil), ("192.0.2.0", .documentation), ("192.0.2.255", .documentation), ("192.0.3.0", nil),
            ("192.31.196.1", .globalService),
            ("192.52.193.1", .globalService), ("192.88.99.2", .transition), ("192.167.255.255", nil), ("192.168.0.0", .privateUse),
            ("192.168.255.255", .privateUse), ("192.169.0.0", nil), ("192.175.48.1", .globalService), ("198.17.255.255", nil),
            ("198.18.0.0", .benchmarking), ("198.19.255.255", .benchmarking), ("198.20.0.0", nil), ("198.51.100.0", .documentation),
            ("198.51.101.0", nil), ("203.0.113.255", .documentation), ("203.0.114.0", nil), ("223.255.255.255", nil),
            ("224.0.0.0", .multicast),
            ("239.255.255.255", .multicast), ("240.0.0.0", .reserved), ("255.255.255.255", .reserved),
            ("::", .thisHost), ("::1", .loopback), ("::2", .reserved), ("::8.8.8.8", .reserved), ("::ffff:0:8.8.8.8", .reserved),
            ("64:ff9b::8.8.8.8", .transition), ("64:ff9b::1:0:0", .reserved), ("64:ff9b:1::", .transition),
            ("64:ff9b:1:ffff:ffff:ffff:ffff:ffff", .transition), ("64:ff9b:2::", .reserved), ("100::1", .discard),
            ("100:0:0:1::1", .discard),
            ("100:0:0:2::", .reserved), ("1fff:ffff::", .reserved), ("2000::", nil), ("2001::1", .protocolAssignment),
            ("2001:1ff:ffff::", .protocolAssignment), ("2001:200::", nil), ("2001:db7:ffff::", nil), ("2001:db8::", .documentation),
            ("2001:db9::", nil), ("2002::", nil), ("2620:4f:8000::1", .globalService), ("2620:4f:8001::", nil), ("3ffe::", nil),
            ("3fff::", .documentation), ("3fff:fff:ffff::", .documentation), ("3fff:1000::", nil), ("4000::", .reserved),
            ("5f00::1", .segmentRouting), ("5f01::", .reserved), ("7fff::", .reserved), ("8000::", .reserved),
            ("fbff::", .reserved),
            ("fc00::1", .privateUse), ("fdff::1", .privateUse), ("fd00:ec2::254", .metadata), ("fd00:ec2::253", .privateUse),
            ("fd00:ec2::23", .metadata), ("fd20:ce::254", .metadata), ("fd00:42::42", .metadata), ("fd00:c1::a9fe:a9fe", .metadata),
            ("fd00:a9fe:a9fe::1", .metadata), ("fd00:100::100:200", .metadata), ("fe00::", .reserved), ("fe7f::", .reserved),
            ("fe80::", .linkLocal), ("febf:ffff::", .linkLocal), ("fec0::", .privateUse), ("feff::", .privateUse),
            ("ff00::", .multicast),
            ("ff02::1", .multicast), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .multicast),
        ] as [(String, SpecialPurpose?)])
    func `What an address is for`(text: String, purpose: SpecialPurpose?) throws {
        let address = try #require(IPAddress(text))
        #expect(address.purpose == purpose)
        #expect(address.isPublic == (purpose == nil || purpose == .globalService))
        #expect(address.isSensitive == (purpose == .metadata || purpose == .linkLocal))
        #expect(address.isLoopback == (purpose == .loopback))
        #expect(address.isUnspecified == (purpose == .thisHost))
    }
}
