public import Addresses

extension Network: ScalarConfigurationValue {
    public static var typeDescription: String { "a network such as 10.0.0.0/8, or an address" }

    public init(configured text: String) throws(InvalidValue) {
        if text == "any" { throw InvalidValue(hint: "'any' stands alone, not in a list") }
        guard let block = AddressBlock(text), let network = Network(text) else { throw InvalidValue() }
        guard block.isExact(text) else {
            let address = text.prefix { $0 != "/" }
            throw InvalidValue(
                "the address has bits beyond the network's \(block.prefix)",
                hint: "write \(block.base)/\(block.prefix), or \(address) for the one address")
        }
        self = network
    }

    public func problems() -> [ConfigurationProblem] { malformed.map { Self.problems(of: $0) } ?? [] }

    public var printed: String { PlainText.quotedIfNeeded(description) }
}
