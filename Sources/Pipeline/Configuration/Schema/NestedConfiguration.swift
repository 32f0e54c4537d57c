extension StageConfiguration {
    /// Reads a mapping key by key, reporting everything that is wrong. `alsoKnown` are keys that somebody else reads.
    static func decodeMapping(
        _ node: ConfigurationNode, in context: DecodingContext, noun: String, alsoKnown: [String] = []
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
        let before = context.findings.count
        var value = Self()
        let known = schema.fields.map(\.key) + alsoKnown
        for entry in entries where !alsoKnown.contains(entry.key) {
            guard let field = schema.field(entry.key) else {
                context.report(
                    "\(noun) has no key '\(entry.key)'", at: entry.keyOrigin,
                    hint: NearestName.hint(for: entry.key, among: known, otherwise: "its keys are")
                )
                continue
            }
            context.note(entry.key, at: entry.value.origin)
            field.decode(entry.value, &value, context)
        }
        for field in schema.fields where field.isRequired && !entries.contains(where: { $0.key == field.key }) {
            context.report(
                "\(noun) needs the key '\(field.key)'", at: node.origin,
                hint: "'\(field.key)' is \(field.typeDescription)"
            )
        }
        guard !context.findings[before...].contains(where: { $0.severity == .error }) else { return nil }
        for problem in value.validate() {
            context.report(
                problem.message, at: problem.key.flatMap { context.origin(of: $0) } ?? node.origin, hint: problem.hint,
                severity: problem.isWarning ? .warning : .error
            )
        }
        return value
    }
}

extension NestedConfiguration {
    public static var typeDescription: String { "a mapping" }
    public static var keys: [SchemaDescription] { describeKeys() }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Self? {
        decodeMapping(node, in: context, noun: context.label)
    }

    public var printed: String {
        "{ " + describe().map { "\($0.key): \($0.value)" }.joined(separator: ", ") + " }"
    }
}
