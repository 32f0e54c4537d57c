/// The schemes by which one may authenticate, as `Proxy-Authenticate` or `WWW-Authenticate` offer them (RFC 9110, 11.6.1 and 11.7.1).
///
/// A field has a list of challenges, and a challenge a list of parameters, both with commas. So a scheme is what begins an element of the
/// list and isn't followed by an equals sign, as the name of a parameter is.
package struct AuthenticationSchemes: Sendable, Equatable {
    /// One scheme that is offered, with what comes along.
    package struct Challenge: Sendable, Equatable {
        /// The scheme's name as it was written.
        package var name: String
        /// What follows the name and is no parameter: the next piece of a handshake of several legs.
        package var token: String?
        /// The parameters, by their names in lower case, without quotes; the first of a name counts.
        package var parameters: [String: String] = [:]

        /// Whether that is the scheme; names are compared without case.
        package func isNamed(_ scheme: String) -> Bool { name.lowercased() == scheme.lowercased() }
    }

    /// How many are taken from fields, and parameters of one.
    private static let limit = 8
    private static let parameterLimit = 32

    /// In the order in which they came, eight at most. A scheme may be there several times, Digest for several hashes say.
    package private(set) var challenges: [Challenge] = []

    /// Reads the schemes that a response offers.
    ///
    /// - Parameter fields: The values of all fields of the name.
    package init(_ fields: [String]) {
        for field in fields {
            // Parameters behind a challenge that isn't taken are nobody's.
            var isTaken = false
            for element in Self.elements(field) {
                let name = element.prefix(while: Self.isTokenCharacter)
                let rest = element[name.endIndex...].drop { $0 == " " || $0 == "\t" }
                guard !name.isEmpty else { continue }
                if rest.first == "=" {
                    if isTaken { addParameter(name, rest.dropFirst()) }
                    continue
                }
                isTaken = name.count <= 32 && challenges.count < Self.limit
                guard isTaken else { continue }
                challenges.append(Challenge(name: String(name)))
                addFirst(rest)
            }
        }
    }

    /// The schemes' names as they were written, each once.
    package var names: [String] {
        var names: [String] = []
        for challenge in challenges where !names.contains(where: challenge.isNamed) { names.append(challenge.name) }
        return names
    }

    /// Whether a scheme is among them; names are compared without case.
    package func offers(_ scheme: String) -> Bool { challenges.contains { $0.isNamed(scheme) } }

    /// What comes with the scheme, as often as it is offered.
    package func challenges(of scheme: String) -> [Challenge] { challenges.filter { $0.isNamed(scheme) } }

    /// What stands behind a scheme's name in the same element: a token, whose padding is at its end (`token68`), or the first parameter.
    private mutating func addFirst(_ text: Substring) {
        let name = text.prefix(while: Self.isTokenCharacter)
        let rest = text[name.endIndex...].drop { $0 == " " || $0 == "\t" }
        let value = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
        if rest.first == "=", !value.isEmpty, value.first != "=" {
            addParameter(name, rest.dropFirst())
        } else if !text.isEmpty {
            challenges[challenges.count - 1].token = String(text.prefix { $0 != " " && $0 != "\t" })
        }
    }

    private mutating func addParameter(_ name: Substring, _ value: Substring) {
        let last = challenges.count - 1
        let name = name.lowercased()
        guard last >= 0, challenges[last].parameters.count < Self.parameterLimit, challenges[last].parameters[name] == nil else {
            return
        }
        challenges[last].parameters[name] = Self.unquoted(value)
    }

    /// A token, or what a quoted string has in it (RFC 9110, 5.6.4).
    private static func unquoted(_ text: Substring) -> String {
        let text = text.drop { $0 == " " || $0 == "\t" }
        guard text.first == "\"" else { return String(text.prefix { $0 != " " && $0 != "\t" }) }
        var result = ""
        var isEscaped = false
        for character in text.dropFirst() {
            if !isEscaped, character == "\"" { break }
            isEscaped = !isEscaped && character == "\\"
            if !isEscaped { result.append(character) }
        }
        return result
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
