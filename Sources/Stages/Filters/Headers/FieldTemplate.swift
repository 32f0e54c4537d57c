public import ConfigurationLanguage
import HTTPMessages
import Pipeline

/// A field's value with places for what is known of the exchange: `{identity}`. Braces, for `${…}` is the loader's and
/// would be replaced when the file is read; `{{` stands for `{`. In code it can be a literal.
public struct FieldTemplate: Sendable, Equatable, ScalarConfigurationValue {
    enum Piece: Sendable, Equatable {
        case text(String)
        case variable(Variable)
    }

    enum Variable: String, Sendable, CaseIterable {
        case identity
        case method = "identity-method"
        case client
        case requestID = "request-id"
        case host
    }

    let pieces: [Piece]
    private let text: String

    public static var typeDescription: String {
        "a field's value, with {identity}, {identity-method}, {client}, {request-id} or {host}"
    }

    public init(configured text: String) throws(InvalidValue) {
        guard text.utf8.count <= 8_192, text.utf8.allSatisfy(HTTPGrammar.isFieldValueByte),
            text.first?.isWhitespace != true, text.last?.isWhitespace != true
        else { throw InvalidValue("a field's value is one line of visible characters") }
        var pieces: [Piece] = []
        var literal = ""
        var rest = text[...]
        while let brace = rest.firstIndex(of: "{") {
            literal += rest[..<brace]
            rest = rest[rest.index(after: brace)...]
            if rest.first == "{" {
                literal += "{"
                rest = rest.dropFirst()
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                throw InvalidValue("'{' has no '}'", hint: "write {{ where a value has to contain {")
            }
            let name = String(rest[..<end])
            guard let variable = Variable(rawValue: name) else {
                throw InvalidValue(
                    "'{\(name.prefix(40))}' stands for nothing",
                    hint: "there are " + Variable.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ") + "; {{ stands for {")
            }
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = ""
            pieces.append(.variable(variable))
            rest = rest[rest.index(after: end)...]
        }
        literal += rest
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
        self.text = text
    }

    private init(malformed text: String) {
        pieces = []
        self.text = text
    }

    public var printed: String { text.printed }
    public func problems() -> [ConfigurationProblem] { Self.problems(of: text) }

    /// The value for one exchange. What a client chose of it is a field's value or nothing: see `HeaderFields.append`.
    ///
    /// - Parameter host: the request's. It isn't asked of the exchange, whose request may be the one that is being changed.
    func value(for exchange: Exchange, host: String) -> String {
        if pieces.count == 1, case .text(let text) = pieces[0] { return text }
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .variable(.identity): result += exchange.clientName
            case .variable(.method): result += exchange.identity?.method ?? "-"
            case .variable(.client): result += exchange.client.address
            case .variable(.requestID): result += exchange.id.description
            case .variable(.host): result += host
            }
        }
        return result
    }
}

/// A field's name that a configuration may touch: not one of a connection or of a message's framing.
/// In code it can be a literal.
public struct FieldName: Sendable, Hashable, ScalarConfigurationValue {
    /// The name as it was written; fields are found without regard to case (RFC 9110, 5.1).
    public let name: String

    public static var typeDescription: String { "a field's name such as X-Request-Id" }

    public static var shape: ValueShape { .oneOf([.text(pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$"), .integer]) }

    public init(configured text: String) throws(InvalidValue) {
        guard !text.isEmpty, text.utf8.count <= 256, text.utf8.allSatisfy(HTTPGrammar.isTokenByte) else { throw InvalidValue() }
        var name = text
        let isOfHop = name.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            return HTTPGrammar.isHopField(bytes) || HTTPGrammar.equal(bytes, "trailer" as StaticString)
                || HTTPGrammar.equal(bytes, "proxy-authentication-info" as StaticString)
        }
        guard !isOfHop else {
            throw InvalidValue("it belongs to one connection or to a message's framing, and follows from the rest")
        }
        self.name = name
    }

    private init(unchecked name: String) { self.name = name }

    public var printed: String { name.printed }
    public func problems() -> [ConfigurationProblem] { Self.problems(of: name) }
}

// A literal that a file couldn't have is an error when the plan is made.

extension FieldTemplate: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self = (try? FieldTemplate(configured: text)) ?? FieldTemplate(malformed: text) }
}

extension FieldName: ExpressibleByStringLiteral {
    public init(stringLiteral name: String) { self.init(unchecked: name) }
}

/// A mapping from fields' names to something, in the order of the file. In code it is written like a dictionary:
/// `["X-User": "{identity}"]`; a name may occur more than once.
public struct FieldMap<Value: ConfigurationValue & Equatable>: ConfigurationValue, Equatable {
    /// A field's name, and the template of its value.
    public struct Entry: Sendable, Equatable {
        /// The field's name.
        public var name: FieldName
        /// What the name is mapped to.
        public var value: Value

        /// An entry of a mapping.
        public init(_ name: FieldName, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// The entries in their order; a name may occur more than once.
    public var entries: [Entry]

    /// A mapping with these entries, in this order.
    public init(_ entries: [Entry] = []) { self.entries = entries }

    public static var typeDescription: String { "a mapping from fields' names to \(Value.typeDescription)" }
    public static var shape: ValueShape { .table(Value.shape) }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> FieldMap? {
        guard case .mapping(let nodes) = node.content else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        let entries = nodes.map { entry -> Entry? in
            let key = ConfigurationNode(.scalar(.init(entry.key)), origin: entry.keyOrigin)
            let name = FieldName.decode(key, in: context)
            let value = Value.decode(entry.value, in: context)
            guard let name, let value else { return nil }
            return Entry(name, value)
        }
        let good = entries.compactMap { $0 }
        return good.count == entries.count ? FieldMap(good) : nil
    }

    public func problems() -> [ConfigurationProblem] { entries.flatMap { $0.name.problems() + $0.value.problems() } }

    public var printed: String {
        entries.isEmpty ? "{}" : "{ " + entries.map { "\($0.name.printed): \($0.value.printed)" }.joined(separator: ", ") + " }"
    }
}

extension FieldMap: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral entries: (FieldName, Value)...) { self.init(entries.map { Entry($0.0, $0.1) }) }
}
