import Pipeline

/// A field's value with places for what is known of the exchange: `{identity}`. Braces, for `${…}` is the loader's and
/// would be replaced when the file is read; `{{` stands for `{`.
struct FieldTemplate: Sendable, Equatable, ScalarConfigurationValue {
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
    let printed: String

    static var typeDescription: String { "a field's value, with {identity}, {identity-method}, {client}, {request-id} or {host}" }

    init(configured text: String) throws(InvalidValue) {
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
        printed = text.printed
    }

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
struct FieldName: Sendable, Hashable, ScalarConfigurationValue {
    let name: String

    static var typeDescription: String { "a field's name such as X-Request-Id" }

    init(configured text: String) throws(InvalidValue) {
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

    var printed: String { name.printed }
}

/// A mapping from fields' names to something, in the order of the file.
struct FieldMap<Value: ConfigurationValue & Equatable>: ConfigurationValue, Equatable {
    struct Entry: Sendable, Equatable {
        var name: String
        var value: Value
    }

    var entries: [Entry] = []

    static var typeDescription: String { "a mapping from fields' names to \(Value.typeDescription)" }
    static var shape: ValueShape { .table(Value.shape) }

    static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> FieldMap? {
        guard case .mapping(let nodes) = node.content else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        let entries = nodes.map { entry -> Entry? in
            let key = ConfigurationNode(.scalar(.init(entry.key)), origin: entry.keyOrigin)
            let name = FieldName.decode(key, in: context)
            let value = Value.decode(entry.value, in: context)
            guard let name, let value else { return nil }
            return Entry(name: name.name, value: value)
        }
        let good = entries.compactMap { $0 }
        return good.count == entries.count ? FieldMap(entries: good) : nil
    }

    var printed: String {
        entries.isEmpty ? "{}" : "{ " + entries.map { "\($0.name.printed): \($0.value.printed)" }.joined(separator: ", ") + " }"
    }
}
