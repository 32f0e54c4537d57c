import ConfigurationLanguage

/// The JSON Schema of one key's value.
struct ValueSchema {
    private let key: SchemaDescription

    init(_ key: SchemaDescription) {
        self.key = key
    }

    /// A text with `${env:…}` or `${file:…}` in it can become anything.
    static let substituted = JSON.members([
        "type": .text("string"),
        "pattern": .text(#"\$\{(env|file):"#),
    ])

    /// An entry of a list for which those of another file stand.
    private static let include = JSON.members(["$ref": .text("#/$defs/include")])

    var json: JSON {
        var alternatives = schemas(of: key.shape)
        if key.defaultValue == "null" { alternatives.append(.members(["type": .text("null")])) }
        var members = [JSON.Member(name: "description", value: .text(description))]
        if let standard { members.append(.init(name: "default", value: standard)) }
        if alternatives.count == 1, case .object(let only) = alternatives[0] {
            members += only
        } else if !alternatives.isEmpty {
            members.append(.init(name: "anyOf", value: .array(alternatives)))
        }
        return .object(members)
    }

    static func mapping(_ keys: [SchemaDescription], description: String?, types: [String]) -> JSON {
        let required = keys.filter(\.isRequired).map(\.key)
        return .members([
            "description": description.map(JSON.text),
            "type": types.count == 1 ? .text(types[0]) : .texts(types),
            "required": required.isEmpty ? nil : .texts(required),
            "additionalProperties": .boolean(false),
            "properties": .object(keys.map { .init(name: $0.key, value: ValueSchema($0).json) }),
        ])
    }

    private var description: String {
        var text = key.documentation
        let kind = key.type.prefix(1).uppercased() + key.type.dropFirst()
        text += "\n\n\(kind)"
        if let range = key.range { text += ", \(range)" }
        return text + "."
    }

    private var standard: JSON? {
        guard let value = key.defaultValue, value != "null", !key.isSecret else { return nil }
        switch key.shape {
        case .boolean: return .boolean(value == "true")
        case .integer, .number: return .number(value)
        case .text, .choice: return value.hasPrefix("\"") ? nil : .text(value)
        default: return nil
        }
    }

    /// The alternatives that a shape allows.
    private func schemas(of shape: ValueShape) -> [JSON] {
        let substituted = JSON.members(["$ref": .text("#/$defs/substituted")])
        switch shape {
        case .any:
            return []
        case .null:
            return [.members(["type": .text("null")])]
        case .boolean:
            return [.members(["enum": .array([.boolean(true), .boolean(false), .text("true"), .text("false")])]), substituted]
        case .integer, .number:
            let range = key.range { Int64($0) ?? (try? ByteCount(configured: $0)).map { Int64($0.bytes) } }
            let ofRange = shape == .integer && key.type == Int.typeDescription ? range.flatMap(RangePattern.whole) : nil
            let pattern = ofRange ?? (shape == .integer ? "^-?[0-9][0-9_]*$" : "^[-+0-9.eE]+$")
            return [
                .members([
                    "type": .text(shape == .integer ? "integer" : "number"),
                    "minimum": number(key.bounds.least),
                    "maximum": number(key.bounds.greatest),
                ]),
                .members(["type": .text("string"), "pattern": .text(pattern)]),
                substituted,
            ]
        case .text(pattern: nil):
            // A scalar is a text to the loader, whatever YAML makes of it.
            return [.members(["type": .texts(["string", "number", "boolean"])])]
        case .text(let pattern?):
            return [.members(["type": .text("string"), "pattern": .text(key.rangePattern ?? pattern)]), substituted]
        case .choice(let words):
            let other = words.compactMap { word -> JSON? in
                if Int(word) != nil { return .number(word) }
                return word == "true" || word == "false" ? .boolean(word == "true") : nil
            }
            return [.members(["enum": .array(words.map(JSON.text) + other)]), substituted]
        case .list(let element):
            let others = [.mapping, .variant].contains(element) ? [Self.include] : []
            return [.members(["type": .text("array"), "items": joined(schemas(of: element) + others)])]
        case .mapping:
            return [Self.mapping(key.keys, description: nil, types: ["object", "null"])]
        case .stages:
            let entries = ["stage", "source"].map { JSON.members(["$ref": .text("#/$defs/\($0)")]) } + [Self.include]
            return [
                .members([
                    "type": .text("array"), "minItems": .number("1"), "items": .members(["anyOf": .array(entries)]),
                ])
            ]
        case .variant:
            let mapping = JSON.members([
                "type": .text("object"),
                "minProperties": .number("1"),
                "maxProperties": .number("1"),
                "additionalProperties": .boolean(false),
                "properties": .object(
                    key.keys.map {
                        .init(name: $0.key, value: Self.mapping($0.keys, description: $0.documentation, types: ["object", "null"]))
                    }),
            ])
            return [mapping, .members(["enum": .texts(key.keys.map(\.key))])]
        case .table(let value):
            return [.members(["type": .text("object"), "additionalProperties": joined(schemas(of: value))])]
        case .oneOf(let shapes):
            var all: [JSON] = []
            for schema in shapes.flatMap(member) where !all.contains(schema) { all.append(schema) }
            return all
        }
    }

    /// One of several shapes. Where a text has a unit, a word or a number beside it counts only if it is in the range.
    private func member(_ shape: ValueShape) -> [JSON] {
        switch shape {
        case .choice(["0"]) where key.rangePattern != nil && key.bounds.least != "0": []
        // The text says it, digits without a unit among them.
        case .integer where key.type == ByteCount.typeDescription: Array(schemas(of: shape).prefix(1))
        default: schemas(of: shape)
        }
    }

    /// A bound, as a number of bytes where it is a size, unless it has another unit.
    private func number(_ bound: String?) -> JSON? {
        guard let bound else { return nil }
        if Double(bound) != nil { return .number(bound) }
        guard key.type == ByteCount.typeDescription else { return nil }
        return (try? ByteCount(configured: bound)).map { .number("\($0.bytes)") }
    }

    private func joined(_ alternatives: [JSON]) -> JSON {
        alternatives.count == 1 ? alternatives[0] : alternatives.isEmpty ? .object([]) : .members(["anyOf": .array(alternatives)])
    }
}
