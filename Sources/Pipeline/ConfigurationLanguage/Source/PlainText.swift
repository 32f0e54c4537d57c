/// Writes texts as YAML scalars.
package enum PlainText {
    /// What is printed in place of a secret.
    static let redacted = "[redacted]"

    /// The text as it is where YAML would read it back as the same text everywhere, in double quotes otherwise.
    package static func quotedIfNeeded(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }

    /// Whether a text from outside the file stands for nothing where no text is wanted.
    package static func isNull(_ text: String) -> Bool { text == "null" || text == "~" }

    /// The text in double quotes, with control characters and line breaks escaped (YAML 1.2, 5.7).
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value):
                result += "\\x" + hexadecimal(scalar.value, digits: 2)
            case "\u{2028}", "\u{2029}", "\u{FEFF}": result += "\\u" + hexadecimal(scalar.value, digits: 4)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Only what can't be an indicator, a number of another kind or a reserved word anywhere in YAML.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, !["null", "Null", "NULL"].contains(text) else { return false }
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8
        let others = "._/+-".utf8
        return (letters.contains(first) || first == UInt8(ascii: "/"))
            && text.utf8.allSatisfy { letters.contains($0) || others.contains($0) }
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
