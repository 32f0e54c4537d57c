package import ConfigurationLanguage
package import Pipeline

/// Everything that a stage says of itself, in one value: what the reference is made of in each of its forms.
package struct StageDescription: Sendable {
    /// The stage's name in configurations.
    package var name: String
    /// What the stage does, in a sentence.
    package var summary: String
    /// What the stage takes and yields, each way in which it can stand in a pipeline.
    package var forms: [StageForm]
    /// The hosts that offer what the stage needs.
    package var hosts: [HostKind]
    /// The keys of the stage's configuration, in the order of its schema.
    package var keys: [SchemaDescription]
    /// The stage's details, example, metrics and notes.
    package var reference: StageReference

    /// Asks a stage's factory for all of it.
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

    /// What the stage takes and yields, in each of its forms: `Exchange -> Outbound, Inbound -> Exchange`.
    package var flow: String { forms.map { "\($0.input.shown) -> \($0.output.shown)" }.joined(separator: ", ") }
}

extension MediumKind {
    /// The medium's type as in Swift; a pipeline's outer ends in brackets.
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
