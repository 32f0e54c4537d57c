/// The schemes by which one may authenticate, as `Proxy-Authenticate` or `WWW-Authenticate` offer them (RFC 9110, 11.6.1 and 11.7.1).
///
/// A field has a list of challenges, and a challenge a list of parameters, both with commas. So a scheme is what begins an element of the
/// list and isn't followed by an equals sign, as the name of a parameter is.
package struct AuthenticationSchemes: Sendable, Equatable {
    /// How many are taken from fields.
    private static let limit = 8

    /// The schemes' names as they were written, each once, eight at most.
    package private(set) var names: [String] = []

    /// Reads the schemes that a response offers.
    ///
    /// - Parameter fields: The values of all fields of the name.
    package init(_ fields: [String]) {
        for field in fields {
            for element in Self.elements(field) {
                let name = element.prefix(while: Self.isTokenCharacter)
                let rest = element[name.endIndex...].drop { $0 == " " || $0 == "\t" }
                guard !name.isEmpty, name.count <= 32, rest.first != "=", names.count < Self.limit else { continue }
                if !offers(String(name)) { names.append(String(name)) }
            }
        }
    }

    /// Whether a scheme is among them; names are compared without case.
    package func offers(_ scheme: String) -> Bool {
        names.contains { $0.lowercased() == scheme.lowercased() }
    }

    /// What stands between the commas that are in no quoted string (RFC 9110, 5.6.4).
    private static func elements(_ field: String) -> [Substring] {
        var elements: [Substring] = []
        var start = field.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in field.indices {
            let character = field[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == ",", !isQuoted {
                elements.append(field[start..<index])
                start = field.index(after: index)
            }
        }
        elements.append(field[start...])
        return elements.map { $0.drop { $0 == " " || $0 == "\t" } }
    }

    private static func isTokenCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "!#$%&'*+-.^_`|~".contains(character))
    }
}
