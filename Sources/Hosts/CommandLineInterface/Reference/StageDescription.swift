package import ConfigurationLanguage
package import Pipeline

/// Everything that a stage says of itself, in one value: what the reference is made of in each of its forms.
package struct StageDescription: Sendable {
    package var name: String
    package var summary: String
    package var forms: [StageForm]
    package var hosts: [HostKind]
    package var keys: [SchemaDescription]
    package var reference: StageReference

    package init(_ factory: any StageFactory) {
        let factory = type(of: factory)
        name = factory.name
        summary = factory.summary
        forms = factory.forms
        hosts = HostKind.allCases.filter { $0.offers.isSuperset(of: factory.needs) }
        keys = factory.describeKeys()
        reference = factory.reference
    }

    var isSource: Bool { forms.allSatisfy { $0.input == .start } }
    var isSink: Bool { forms.allSatisfy { $0.output == .end } }
    /// Whether its name alone is an entry of a list.
    var needsNoKeys: Bool { !keys.contains(where: \.isRequired) }

    /// `Exchange -> Outbound, Inbound -> Exchange`.
    package var flow: String { forms.map { "\($0.input.shown) -> \($0.output.shown)" }.joined(separator: ", ") }
}

extension MediumKind {
    /// As in Swift; the outer ends in brackets.
    package var shown: String {
        switch self {
        case .start: "(start)"
        case .inbound: "Inbound"
        case .exchange: "Exchange"
        case .outbound: "Outbound"
        case .end: "(end)"
        }
    }
}

extension SchemaDescription {
    /// The keys of a list with those inside them, by their dotted paths.
    static func flattened(_ keys: [SchemaDescription], below path: String = "") -> [(path: String, key: SchemaDescription)] {
        keys.flatMap { key in
            let inner = path.isEmpty ? key.key : "\(path).\(key.key)"
            return [(inner, key)] + flattened(key.keys, below: inner)
        }
    }
}
