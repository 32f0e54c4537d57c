public import Addresses

extension Network: ScalarConfigurationValue {
    public static var typeDescription: String { "a network such as 10.0.0.0/8, or an address" }
    public static var shape: ValueShape { .text(pattern: #"^[0-9A-Fa-f.:]*[.:][0-9A-Fa-f.:]*(/[0-9]{1,3})?$"#) }

    public init(configured text: String) throws(InvalidValue) {
        if text == "any" { throw InvalidValue(hint: "'any' stands alone, not in a list") }
        guard let network = Network(text) else { throw Self.problem(of: text) }
        guard network.isExact(text) else {
            let address = text.prefix { $0 != "/" }
            throw InvalidValue(
                "the address has bits beyond the network's \(network.prefix)",
                hint: "write \(network), or \(address) for the one address")
        }
        self = network
    }

    /// Why a text is no network.
    private static func problem(of text: String) -> InvalidValue {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Network(String(parts[0])) else { return InvalidValue() }
        return InvalidValue("behind the slash is a number between 0 and \(address.prefix)")
    }

    public func problems() -> [ConfigurationProblem] { malformed.map { Self.problems(of: $0) } ?? [] }

    public var printed: String { PlainText.quotedIfNeeded(description) }
}
