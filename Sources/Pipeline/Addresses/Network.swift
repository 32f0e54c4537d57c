/// A network in CIDR notation (RFC 4632), or a single address.
///
/// What is written inside `::ffff:0:0/96` is a network of IPv4, as every address there is an IPv4 address.
public struct Network: Sendable, Equatable, ScalarConfigurationValue {
    /// Nil in one that contains nothing.
    private let block: AddressBlock?
    /// What it was to be made of, for one that has no address in it.
    private var malformed: String?

    public static var typeDescription: String { "a network such as 10.0.0.0/8, or an address" }

    public init(configured text: String) throws(InvalidValue) {
        if text == "any" { throw InvalidValue(hint: "'any' stands alone, not in a list") }
        guard let block = AddressBlock(text) else { throw InvalidValue() }
        guard block.isExact(text) else {
            let address = text.prefix { $0 != "/" }
            throw InvalidValue(
                "the address has bits beyond the network's \(block.prefix)",
                hint: "write \(block.base)/\(block.prefix), or \(address) for the one address")
        }
        self.block = block
    }

    /// Nil for what is neither a network nor an address.
    package init?(_ text: String) {
        guard let block = AddressBlock(text) else { return nil }
        self.block = block
    }

    private init(malformed text: String) {
        block = nil
        malformed = text
    }

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

    public func problems() -> [ConfigurationProblem] { malformed.map { Self.problems(of: $0) } ?? [] }

    public var printed: String {
        guard let block else { return malformed?.printed ?? "" }
        return PlainText.quotedIfNeeded(block.isOneAddress ? block.base.description : "\(block.base)/\(block.prefix)")
    }
}

extension Network: ExpressibleByStringLiteral {
    /// `"10.0.0.0/8"`. A literal that is no network contains nothing, and is an error when the plan is made.
    public init(stringLiteral text: String) {
        do {
            try self.init(configured: text)
        } catch {
            self.init(malformed: text)
        }
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
