extension StageConfiguration {
    /// Reads a mapping key by key, reporting everything that is wrong. `place` is where
    /// a missing key is reported, by default where the mapping begins.
    package static func decodeMapping(
        _ node: ConfigurationNode, in context: DecodingContext, noun: String, at place: ConfigurationNode.Origin? = nil
    ) -> Self? {
        let entries: [ConfigurationNode.Entry]
        switch node.content {
        case .null: entries = []
        case .mapping(let found): entries = found
        case .scalar, .sequence:
            context.report(
                "\(noun) wants a mapping, not \(node.shown(secret: context.isSecret))", at: node,
                hint: "write its keys as { key: value }, or on lines of their own, indented"
            )
            return nil
        }
        let mark = context.mark
        var value = Self()
        let known = schema.fields.map(\.key)
        for entry in entries {
            guard let field = schema.field(entry.key) else {
                context.report(
                    "\(noun) has no key '\(entry.key)'", at: entry.keyOrigin,
                    hint: schema.field(above: entry.key).map { "'\(entry.key)' belongs below '\($0)'" }
                        ?? NearestName.hint(for: entry.key, among: known, otherwise: "its keys are")
                )
                continue
            }
            context.note(entry.key, isSecret: field.isSecret, entry.value)
            field.decode(entry.value, &value, context)
        }
        for field in schema.fields where field.isRequired && !entries.contains(where: { $0.key == field.key }) {
            context.report(
                "\(noun) needs the key '\(field.key)'", at: place ?? node.origin,
                hint: "'\(field.key)' is \(field.typeDescription)"
            )
        }
        guard !context.isFlawed(since: mark) else { return nil }
        context.report(value.validate(), else: place ?? node.origin)
        return value
    }
}

extension NestedConfiguration {
    public static var typeDescription: String { "a mapping" }
    public static var keys: [SchemaDescription] { describeKeys() }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Self? {
        decodeMapping(node, in: context, noun: context.label)
    }

    public func problems() -> [ConfigurationProblem] { check() }

    public var printed: String {
        "{ " + describe().map { "\($0.key): \($0.value)" }.joined(separator: ", ") + " }"
    }
}
