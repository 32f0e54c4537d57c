/// What an address is for, where it isn't an ordinary one of the Internet.
enum SpecialPurpose: Sendable, Equatable {
    /// Nobody's: this host on this network.
    case thisHost
    /// A host of this network, by its number in it.
    case thisNetwork
    case loopback
    /// A network of somebody's own.
    case privateUse
    /// Between a provider and its customers.
    case sharedSpace
    /// One link.
    case linkLocal
    /// Where a cloud's machines ask for what they are and for credentials.
    case metadata
    /// Protocols of the IETF, whose servers may be this network's own.
    case protocolAssignment
    case documentation
    case benchmarking
    /// From one version of the protocol to the other.
    case transition
    case multicast
    /// Packets are dropped.
    case discard
    /// Segments of a network's own routing.
    case segmentRouting
    /// Nobody has been given it.
    case reserved
    /// A protocol's servers, which the Internet reaches as any other address.
    case globalService
}

/// A block of addresses with a purpose, by the registries of the IANA: the IPv4 and the IPv6 Special-Purpose Address Registry (RFC
/// 6890, RFC 8190), those of multicast, and the IPv6 address space, of which only `2000::/3` has been given to anybody. The
/// clouds' addresses are in no registry.
struct SpecialPurposeAddress: Sendable {
    let block: AddressBlock
    let purpose: SpecialPurpose

    /// Block by block. The first that has an address counts: what is narrower comes first.
    static let rows: [(block: String, purpose: SpecialPurpose, reference: StaticString)] = [
        ("0.0.0.0", .thisHost, "RFC 1122, 3.2.1.3"),
        ("0.0.0.0/8", .thisNetwork, "RFC 791, 3.2"),
        ("10.0.0.0/8", .privateUse, "RFC 1918"),
        ("100.100.100.200", .metadata, "Alibaba Cloud, instance metadata"),
        ("100.64.0.0/10", .sharedSpace, "RFC 6598"),
        ("127.0.0.0/8", .loopback, "RFC 1122, 3.2.1.3"),
        ("168.63.129.16", .metadata, "Microsoft Azure, WireServer"),
        ("169.254.0.0/16", .linkLocal, "RFC 3927"),
        ("172.16.0.0/12", .privateUse, "RFC 1918"),
        ("192.0.0.192", .metadata, "Oracle Cloud Infrastructure Classic, instance metadata"),
        // Some of it is globally reachable by the registry (192.0.0.9, RFC 7723; 192.0.0.10, RFC 8155): the nearest server answers.
        ("192.0.0.0/24", .protocolAssignment, "RFC 6890, 2.1"),
        ("192.0.2.0/24", .documentation, "RFC 5737"),
        ("192.31.196.0/24", .globalService, "RFC 7535"),
        ("192.52.193.0/24", .globalService, "RFC 7450"),
        ("192.88.99.0/24", .transition, "RFC 7526"),
        ("192.168.0.0/16", .privateUse, "RFC 1918"),
        ("192.175.48.0/24", .globalService, "RFC 7534"),
        ("198.18.0.0/15", .benchmarking, "RFC 2544"),
        ("198.51.100.0/24", .documentation, "RFC 5737"),
        ("203.0.113.0/24", .documentation, "RFC 5737"),
        ("224.0.0.0/4", .multicast, "RFC 5771"),
        // With 255.255.255.255, which is everybody on a link (RFC 919, 7).
        ("240.0.0.0/4", .reserved, "RFC 1112, 4"),
        ("::", .thisHost, "RFC 4291, 2.5.2"),
        ("::1", .loopback, "RFC 4291, 2.5.3"),
        ("64:ff9b::/96", .transition, "RFC 6052"),
        ("64:ff9b:1::/48", .transition, "RFC 8215"),
        ("100::/64", .discard, "RFC 6666"),
        ("100:0:0:1::/64", .discard, "RFC 9780"),
        // Some of it is globally reachable by the registry: anycast, as above, and identifiers that nobody routes (RFC 7343). With
        // Teredo (2001::/32, RFC 4380).
        ("2001::/23", .protocolAssignment, "RFC 2928"),
        ("2001:db8::/32", .documentation, "RFC 3849"),
        ("2620:4f:8000::/48", .globalService, "RFC 7534"),
        ("3fff::/20", .documentation, "RFC 9637"),
        ("5f00::/16", .segmentRouting, "RFC 9602"),
        ("fd00:42::42", .metadata, "Scaleway, instance metadata"),
        ("fd00:100::100:200", .metadata, "Alibaba Cloud, instance metadata"),
        ("fd00:a9fe:a9fe::1", .metadata, "Akamai, instance metadata"),
        ("fd00:c1::a9fe:a9fe", .metadata, "Oracle Cloud Infrastructure, instance metadata"),
        ("fd00:ec2::23", .metadata, "Amazon EKS, credentials of a pod"),
        ("fd00:ec2::254", .metadata, "Amazon EC2, instance metadata"),
        ("fd20:ce::254", .metadata, "Google Compute Engine, instance metadata"),
        ("fc00::/7", .privateUse, "RFC 4193"),
        ("fe80::/10", .linkLocal, "RFC 4291, 2.5.6"),
        ("fec0::/10", .privateUse, "RFC 3879"),
        ("ff00::/8", .multicast, "RFC 4291, 2.7"),
        // All but 2000::/3, which is global unicast.
        ("::/3", .reserved, "RFC 4291, 2.4"),
        ("4000::/2", .reserved, "RFC 4291, 2.4"),
        ("8000::/1", .reserved, "RFC 4291, 2.4"),
    ]

    static let v4 = blocks(of: .v4)
    static let v6 = blocks(of: .v6)

    private static func blocks(of family: IPAddress.Family) -> [SpecialPurposeAddress] {
        rows.compactMap { row in
            guard let block = AddressBlock(row.block), block.base.family == family else { return nil }
            return SpecialPurposeAddress(block: block, purpose: row.purpose)
        }
    }
}

extension IPAddress {
    /// What it is for itself, without regard to what is in it; nil for an ordinary address.
    var purpose: SpecialPurpose? {
        for row in family == .v4 ? SpecialPurposeAddress.v4 : SpecialPurposeAddress.v6 where row.block.contains(self) {
            return row.purpose
        }
        return nil
    }
}
