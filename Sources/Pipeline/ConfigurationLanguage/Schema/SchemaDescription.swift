/// One key of a stage, described for people: what `fluidity stages NAME` and the stage reference print.
public struct SchemaDescription: Sendable, Equatable {
    /// The name of the key as a file writes it.
    public var key: String
    /// What a person is to write: `a duration such as 30s`.
    public var type: String
    /// The default as it would be written, nil for a required key.
    public var defaultValue: String?
    /// Whether a file must set it.
    public var isRequired: Bool
    /// Whether its value must not be shown.
    public var isSecret: Bool
    /// The values that are allowed, `1...65535` say; nil where the type alone tells.
    public var range: String?
    /// The least and the greatest value that are allowed, as they would be written.
    public var bounds = SchemaBounds()
    /// A sentence for people on what the key does.
    public var documentation: String
    /// The keys inside, for a key whose value is a mapping.
    public var keys: [SchemaDescription]
    /// What its value looks like, for the JSON Schema.
    public var shape = ValueShape.any
}

/// The ends of a key's range, as they would be written; nil where there is none.
public struct SchemaBounds: Sendable, Equatable {
    /// The least value; nil where the type alone says it.
    public var least: String?
    /// The greatest value; nil where the type alone says it.
    public var greatest: String?

    /// A range with both ends, one or none.
    public init(least: String? = nil, greatest: String? = nil) {
        self.least = least
        self.greatest = greatest
    }
}

extension StageConfiguration {
    /// Every key, in the order of the schema.
    public static func describeKeys() -> [SchemaDescription] {
        let defaults = Self()
        return schema.fields.map { field in
            SchemaDescription(
                key: field.key,
                type: field.typeDescription,
                defaultValue: field.isRequired ? nil : field.printedDefault(defaults),
                isRequired: field.isRequired,
                isSecret: field.isSecret,
                range: field.range,
                bounds: field.bounds,
                documentation: field.documentation,
                keys: field.nested(),
                shape: field.shape
            )
        }
    }

    /// Every key with its value as it would be written, secrets redacted.
    public func describe() -> [(key: String, value: String)] {
        Self.schema.fields.map { ($0.key, $0.printed(self)) }
    }
}
