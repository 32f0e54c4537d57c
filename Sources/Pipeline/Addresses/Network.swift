/// A network in CIDR notation (RFC 4632), or a single address.
///
/// What is written inside `::ffff:0:0/96` is a network of IPv4, as every address there is an IPv4 address.
public struct Network: Sendable, Equatable {
    /// Nil in one that contains nothing.
    private let block: AddressBlock?
    /// What it was to be made of, for one that has no address in it.
    package private(set) var malformed: String?

    /// Nil for what is neither a network nor an address.
    package init?(_ text: String) {
        guard let block = AddressBlock(text) else { return nil }
        self.block = block
    }

    private init(malformed text: String) {
        block = nil
        malformed = text
    }

    /// Whether the text that it was made of has no bits beyond it, as `10.1.2.3/8` has.
    package func isExact(_ text: String) -> Bool { block?.isExact(text) ?? false }

    /// How many bits its addresses have in common; 0 in one that contains nothing.
    package var prefix: Int { block?.prefix ?? 0 }

    /// Its first address, 4 or 16 bytes in network order; none in one that contains nothing.
    package var bytes: [UInt8] { block?.base.bytes ?? [] }

    /// Whether it has an address itself, without regard to what is in that.
    package func contains(_ address: IPAddress) -> Bool { block?.contains(address) ?? false }

    /// Whether it is a single address, `10.0.0.1` or `10.0.0.1/32`.
    package var isOneAddress: Bool { block?.isOneAddress ?? false }

    /// Whether it has an address behind a translator's well-known prefix for that prefix's sake: it lies within `64:ff9b::/96` itself.
    package func names(_ address: IPAddress) -> Bool {
        prefix >= 96 && EmbeddedAddress.wellKnownTranslation.address(in: address) != nil && contains(address)
    }

}

extension Network: CustomStringConvertible {
    /// As it is written in a list: an address, or an address and a number of bits.
    public var description: String {
        guard let block else { return malformed ?? "" }
        return block.isOneAddress ? block.base.description : "\(block.base)/\(block.prefix)"
    }
}

extension Network: ExpressibleByStringLiteral {
    /// `"10.0.0.0/8"`. A literal that is no network contains nothing, and is an error when the plan is made.
    public init(stringLiteral text: String) {
        self = Network(text).flatMap { $0.isExact(text) ? $0 : nil } ?? Network(malformed: text)
    }
}

extension [Network] {
    /// Whether dialling an address may reach one of these networks: for who refuses them. Allocates nothing.
    package func mayBeReached(by address: IPAddress) -> Bool {
        address.mayReach { reached in contains { $0.contains(reached) } }
    }

    /// Whether dialling an address reaches nothing but these networks: for who allows them. Allocates nothing.
    package func haveAll(reachedBy address: IPAddress) -> Bool {
        address.reachesOnly { reached in contains { $0.contains(reached) } } || contains { $0.names(address) }
    }
}
