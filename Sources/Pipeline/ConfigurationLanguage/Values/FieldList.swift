public import HTTPMessages

/// Header fields in a configuration, written as a mapping: `{ Cache-Control: no-store }`. A value may also be a list, for
/// several fields of one name.
public struct FieldList: Sendable, Equatable, ConfigurationValue {
    /// The fields in the order of the file.
    public var fields: HeaderFields

    /// A list of fields that were checked.
    public init(_ fields: HeaderFields = HeaderFields()) {
        self.fields = fields
    }

    public static var typeDescription: String { "header fields such as { Cache-Control: no-store }" }
    public static var shape: ValueShape { .table(.oneOf([.text, .list(.text)])) }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> FieldList? {
        guard case .mapping(let entries) = node.content else {
            if case .null = node.content { return FieldList() }
            context.reject(node, wanted: typeDescription)
            return nil
        }
        var list = FieldList()
        var isClean = true
        for entry in entries {
            let values: [ConfigurationNode]
            if case .sequence(let nodes) = entry.value.content { values = nodes } else { values = [entry.value] }
            for value in values where !list.add(entry.key, value, context) { isClean = false }
        }
        return isClean ? list : nil
    }

    private mutating func add(_ name: String, _ node: ConfigurationNode, _ context: DecodingContext) -> Bool {
        guard case .scalar(let scalar) = node.content else {
            context.report("the field '\(name)' wants a text", at: node)
            return false
        }
        var copy = name
        if copy.withUTF8({ HTTPGrammar.isHopField(UnsafeRawBufferPointer($0)) }) {
            context.report(
                "the field '\(name)' is made anew at each hop and can't be set", at: node,
                hint: "lengths, 'Host' and what concerns one connection follow from the rest")
            return false
        }
        guard fields.append(name, scalar.text) else {
            context.report(
                "'\(name)' can't be a field with this value", at: node,
                hint: "names are letters, digits and hyphens; values have no line ends or control characters")
            return false
        }
        return true
    }

    public var printed: String {
        let fields = fields.list.map { "\(PlainText.quotedIfNeeded($0.name)): \(PlainText.quotedIfNeeded($0.value))" }
        return "{ \(fields.joined(separator: ", ")) }"
    }
}
