/// A JSON value whose objects keep their order, so that generated files read from the important to the detail and differ only
/// where something has changed.
package enum JSON: Equatable, Sendable {
    /// The literal `null`.
    case null
    /// `true` or `false`.
    case boolean(Bool)
    /// A number as it is to be written.
    case number(String)
    /// A text, not yet escaped.
    case text(String)
    /// An array's values, in order.
    case array([JSON])
    /// An object's members, in the order in which they are written.
    case object([Member])

    /// A name and a value of an object.
    package struct Member: Equatable, Sendable {
        /// The member's name, not yet escaped.
        package var name: String
        /// The member's value.
        package var value: JSON
    }

    /// An object of the members that have a value.
    package static func members(_ members: KeyValuePairs<String, JSON?>) -> JSON {
        .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
    }

    /// An array of texts.
    package static func texts(_ texts: [String]) -> JSON { .array(texts.map(JSON.text)) }

    /// The value over several lines, indented; arrays of scalars stay on one.
    package var pretty: String { lines(indentation: "") + "\n" }

    private func lines(indentation: String) -> String {
        let inner = indentation + "  "
        switch self {
        case .null: return "null"
        case .boolean(let value): return value ? "true" : "false"
        case .number(let text): return text
        case .text(let text): return Self.quoted(text)
        case .array(let elements):
            guard elements.contains(where: \.isCompound) else {
                return "[\(elements.map { $0.lines(indentation: "") }.joined(separator: ", "))]"
            }
            return "[\n" + elements.map { inner + $0.lines(indentation: inner) }.joined(separator: ",\n") + "\n\(indentation)]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { "\(inner)\(Self.quoted($0.name)): \($0.value.lines(indentation: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
        }
    }

    private var isCompound: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
