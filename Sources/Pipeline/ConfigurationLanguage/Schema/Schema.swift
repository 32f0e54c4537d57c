/// The keys of one configuration type, in the order in which they are documented.
public struct Schema<Configuration>: Sendable {
    /// The keys, in the order of the documents.
    public let fields: [SchemaField<Configuration>]

    /// A schema of these keys.
    public init(_ fields: SchemaField<Configuration>...) {
        self.fields = fields
    }

    func field(_ key: String) -> SchemaField<Configuration>? {
        fields.first { $0.key == key }
    }

    /// The only mapping that has a key of that name; nil where there is none, or several have.
    func field(above key: String) -> String? {
        let found = fields.filter { $0.shape == .mapping && $0.nested().contains { $0.key == key } }
        return found.count == 1 ? found[0].key : nil
    }
}

/// One key: where its value is kept, what it may be, and what it is for.
public struct SchemaField<Configuration>: Sendable {
    /// The name of the key as a file writes it, in kebab-case.
    public let key: String
    /// A sentence for people on what the key does.
    public let documentation: String
    /// Whether a file must set it.
    public let isRequired: Bool
    /// Whether its value must not be shown.
    public let isSecret: Bool
    /// The values that are allowed, `1...65535` say, where the type alone doesn't tell.
    public let range: String?
    /// The ends of `range`, each as it would be written.
    public let bounds: SchemaBounds
    /// What a person is to write, as it stands after "wants".
    public let typeDescription: String
    let shape: ValueShape
    let nested: @Sendable () -> [SchemaDescription]
    let decode: @Sendable (ConfigurationNode, inout Configuration, DecodingContext) -> Void
    /// The key's value as it would stand in a file; `[redacted]` for a secret.
    package let printed: @Sendable (Configuration) -> String
    /// What is wrong with a value that was set in code.
    let problems: @Sendable (Configuration) -> [ConfigurationProblem]
    /// The same for a default, which is no secret.
    package let printedDefault: @Sendable (Configuration) -> String
    /// The value, where it is a mapping with keys of its own and not absent.
    package let nestedValue: @Sendable (Configuration) -> (any NestedConfiguration)?
    /// The values, where it is a list of mappings with keys of their own.
    package let nestedList: @Sendable (Configuration) -> [any NestedConfiguration]?
}

extension SchemaField {
    /// A key that a file must set.
    public static func required<Value: ConfigurationValue>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation, required: true)
    }

    /// A key that a file must set, to a value in a range.
    public static func required<Value: ConfigurationValue & Comparable>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        in range: ClosedRange<Value>,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation, required: true, limits: Limits(range))
    }

    /// A key that keeps its default when a file doesn't set it.
    public static func optional<Value: ConfigurationValue>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation)
    }

    /// A key with a default and a range.
    public static func optional<Value: ConfigurationValue & Comparable>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        in range: ClosedRange<Value>,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation, limits: Limits(range))
    }

    /// A key with a default and a least value.
    public static func optional<Value: ConfigurationValue & Comparable>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        in range: PartialRangeFrom<Value>,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation, limits: Limits(range))
    }

    /// A key without a default, with a range.
    public static func optional<Value: ConfigurationValue & Comparable>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value?> & Sendable,
        in range: ClosedRange<Value>,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation, limits: Limits(range).ifPresent)
    }

    /// A key without a default, with a least value.
    public static func optional<Value: ConfigurationValue & Comparable>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value?> & Sendable,
        in range: PartialRangeFrom<Value>,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation, limits: Limits(range).ifPresent)
    }

    /// A key whose value never appears in what is printed: not in errors, not in descriptions.
    public static func secret<Value: ConfigurationValue>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        required: Bool = false,
        _ documentation: String
    ) -> SchemaField {
        make(key, path, documentation, required: required, secret: true)
    }

    private static func make<Value: ConfigurationValue>(
        _ key: String,
        _ path: any WritableKeyPath<Configuration, Value> & Sendable,
        _ documentation: String,
        required: Bool = false,
        secret: Bool = false,
        limits: Limits<Value>? = nil
    ) -> SchemaField {
        let isSecret = secret || Value.isSecret
        return SchemaField(
            key: key,
            documentation: documentation,
            isRequired: required,
            isSecret: isSecret,
            range: limits?.text,
            bounds: limits?.bounds ?? SchemaBounds(),
            typeDescription: Value.typeDescription,
            shape: Value.shape,
            nested: { Value.keys },
            decode: { node, configuration, context in
                context.within(key, secret: isSecret) {
                    let mark = context.mark
                    guard let value = context.read(Value.self, from: node) else {
                        if !context.isFlawed(since: mark) { context.reject(node, wanted: Value.typeDescription) }
                        return
                    }
                    if let limits, !limits.contains(value) {
                        let shown = context.isHidden(node) ? node.shown(secret: true) : value.printed
                        return context.report(limits.refusal(of: context.label, shown), at: node)
                    }
                    configuration[keyPath: path] = value
                }
            },
            printed: { isSecret ? PlainText.redacted : $0[keyPath: path].printed },
            problems: { configuration in
                let value = configuration[keyPath: path]
                guard let limits, !limits.contains(value) else { return value.problems().map { $0.below(key) } }
                let shown = isSecret ? PlainText.redacted : value.printed
                return [ConfigurationProblem(limits.refusal(of: "'\(key)'", shown), key: key)]
            },
            printedDefault: { $0[keyPath: path].printed },
            nestedValue: { $0[keyPath: path] as? any NestedConfiguration },
            nestedList: { $0[keyPath: path] as? [any NestedConfiguration] }
        )
    }
}

/// The values that a key may have, and how people call them.
private struct Limits<Value: Sendable>: Sendable {
    var text: String
    var sentence: String
    var bounds: SchemaBounds
    var contains: @Sendable (Value) -> Bool

    func refusal(of key: String, _ shown: String) -> String { "\(key) must be \(sentence), not \(shown)" }
}

extension Limits where Value: ConfigurationValue & Comparable {
    init(_ range: ClosedRange<Value>) {
        text = "\(range.lowerBound.printed)...\(range.upperBound.printed)"
        sentence = "between \(range.lowerBound.printed) and \(range.upperBound.printed)"
        bounds = SchemaBounds(least: range.lowerBound.printed, greatest: range.upperBound.printed)
        contains = { range.contains($0) }
    }

    init(_ range: PartialRangeFrom<Value>) {
        text = "\(range.lowerBound.printed)..."
        sentence = "at least \(range.lowerBound.printed)"
        bounds = SchemaBounds(least: range.lowerBound.printed)
        contains = { range.contains($0) }
    }

    var ifPresent: Limits<Value?> {
        Limits<Value?>(text: text, sentence: sentence, bounds: bounds) { [contains] in $0.map(contains) ?? true }
    }
}
