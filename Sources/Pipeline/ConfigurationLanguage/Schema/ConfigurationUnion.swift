/// One of several kinds of a thing, each a name with keys of its own: `basic: { users: users.txt }`, or the bare name where
/// no key needs to be set. In a list each entry can be of another kind:
///
///     methods:
///       - client-certificate
///       - basic: { users: users.txt }
public protocol ConfigurationUnion: ConfigurationValue, Equatable {
    /// The kinds that there are, in the order in which they are documented.
    static var variants: [ConfigurationVariant<Self>] { get }
}

/// One kind of a union: its name, its keys, and how it becomes a value.
public struct ConfigurationVariant<Union: Sendable>: Sendable {
    /// The name of the kind as a file writes it, in kebab-case.
    public let name: String
    /// A sentence for people on what the kind is.
    public let documentation: String
    let keys: @Sendable () -> [SchemaDescription]
    let decode: @Sendable (ConfigurationNode, ConfigurationNode.Origin, DecodingContext) -> Union?
    let printed: @Sendable (Union) -> String?
    /// Nil for a value of another kind.
    let problems: @Sendable (Union) -> [ConfigurationProblem]?

    /// - Parameters:
    ///   - make: the union's value from the keys that were read.
    ///   - unwrap: the keys again, or nil for a value of another kind.
    public init<Keys: NestedConfiguration>(
        _ name: String, _ documentation: String, make: @escaping @Sendable (Keys) -> Union,
        unwrap: @escaping @Sendable (Union) -> Keys?
    ) {
        self.name = name
        self.documentation = documentation
        keys = { Keys.describeKeys() }
        decode = { node, place, context in
            var value: Keys?
            var placed = node
            placed.origin = place
            context.note(name, isSecret: false, placed)
            context.within(name, secret: false) {
                value = Keys.decodeMapping(node, in: context, noun: context.label, at: place)
            }
            return value.map(make)
        }
        printed = { unwrap($0)?.printed }
        problems = { unwrap($0)?.problems().map { $0.below(name) } }
    }
}

extension ConfigurationUnion {
    public static var typeDescription: String { "one of \(variants.map(\.name).joined(separator: ", "))" }

    public static var shape: ValueShape { .variant }

    /// A key for each kind, with the keys of that kind inside.
    public static var keys: [SchemaDescription] {
        variants.map { variant in
            SchemaDescription(
                key: variant.name, type: "a mapping", defaultValue: nil, isRequired: false, isSecret: false, range: nil,
                documentation: variant.documentation, keys: variant.keys(), shape: .mapping)
        }
    }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Self? {
        switch node.content {
        case .scalar(let scalar) where !context.isHidden(node):
            let empty = ConfigurationNode(.null, origin: node.origin)
            return decode(scalar.text, empty, at: node.origin, in: context)
        case .mapping(let entries):
            guard let first = entries.first else { break }
            guard entries.count == 1 else {
                var hint = "begin each with '- ' on a line of its own"
                if case .null = first.value.content {
                    hint = "indent what belongs to '\(first.key)' deeper than '\(first.key)' itself"
                }
                context.report(
                    "'\(entries[1].key)' stands beside '\(first.key)' in one entry of the list", at: entries[1].keyOrigin,
                    hint: hint)
                return nil
            }
            return decode(first.key, first.value, at: first.keyOrigin, in: context)
        case .scalar, .sequence, .null:
            break
        }
        context.reject(node, wanted: "\(typeDescription), with its keys")
        return nil
    }

    private static func decode(
        _ name: String, _ node: ConfigurationNode, at place: ConfigurationNode.Origin, in context: DecodingContext
    ) -> Self? {
        guard let variant = variants.first(where: { $0.name == name }) else {
            context.report(
                "\(context.label) can't be '\(name)'", at: place,
                hint: NearestName.hint(for: name, among: variants.map(\.name), otherwise: "it is one of"))
            return nil
        }
        return variant.decode(node, place, context)
    }

    public func problems() -> [ConfigurationProblem] { Self.variants.lazy.compactMap { $0.problems(self) }.first ?? [] }

    public var printed: String {
        for variant in Self.variants {
            if let keys = variant.printed(self) { return "{ \(variant.name): \(keys) }" }
        }
        return "{}"
    }
}
