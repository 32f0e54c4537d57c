extension Bool: ScalarConfigurationValue {
    public static var typeDescription: String { "true or false" }

    public init(configured text: String) throws(InvalidValue) {
        switch text {
        case "true": self = true
        case "false": self = false
        case "yes", "on", "True", "TRUE": throw InvalidValue(hint: "write true")
        case "no", "off", "False", "FALSE": throw InvalidValue(hint: "write false")
        default: throw InvalidValue()
        }
    }

    public var printed: String { self ? "true" : "false" }
}

extension Int: ScalarConfigurationValue {
    public static var typeDescription: String { "a whole number" }

    public init(configured text: String) throws(InvalidValue) {
        // Digits in groups, as people read them: 10_000.
        let digits = text.filter { $0 != "_" }
        guard let first = text.first, first != "_", text.last != "_", first != "+", let value = Int(digits) else {
            let isNumber = !digits.isEmpty && digits.allSatisfy { $0.isASCII && $0.isNumber }
            throw InvalidValue(isNumber ? "the number is too large" : nil)
        }
        self = value
    }

    public var printed: String { String(self) }
}

extension Double: ScalarConfigurationValue {
    public static var typeDescription: String { "a number" }

    public init(configured text: String) throws(InvalidValue) {
        let isPlain = text.utf8.allSatisfy { "0123456789.eE+-".utf8.contains($0) }
        guard isPlain, let value = Double(text), value.isFinite else { throw InvalidValue() }
        self = value
    }

    public var printed: String {
        let text = String(self)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension String: ScalarConfigurationValue {
    public static var typeDescription: String { "a text" }

    public init(configured text: String) throws(InvalidValue) {
        self = text
    }

    public var printed: String { PlainText.quotedIfNeeded(self) }
}

extension Optional: ConfigurationValue where Wrapped: ConfigurationValue {
    public static var typeDescription: String { Wrapped.typeDescription }
    public static var isSecret: Bool { Wrapped.isSecret }
    public static var keys: [SchemaDescription] { Wrapped.keys }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Wrapped?? {
        if case .null = node.content { return .some(nil) }
        if context.meansNothing(node, to: Wrapped.self) { return .some(nil) }
        guard let value = context.read(Wrapped.self, from: node) else { return nil }
        return .some(value)
    }

    public var printed: String { map(\.printed) ?? "null" }

    public func problems() -> [ConfigurationProblem] { map { $0.problems() } ?? [] }
}

extension Array: ConfigurationValue where Element: ConfigurationValue {
    public static var typeDescription: String { "a list, each entry \(Element.typeDescription)" }
    public static var isSecret: Bool { Element.isSecret }
    public static var keys: [SchemaDescription] { Element.keys }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> [Element]? {
        guard case .sequence(let nodes) = node.content else {
            let hint: String? =
                switch node.content {
                case .scalar where Element.shape != .mapping:
                    "write a list, even of one: [\(node.listable(secret: context.isSecret))]"
                case .sequence: nil
                case .mapping where node[key: "include"] != nil: "write '- include: FILE', as an entry of a list"
                case .scalar, .mapping, .null: Element.shape == .mapping ? "begin each entry with '- '" : nil
                }
            context.reject(node, wanted: typeDescription, InvalidValue(hint: hint))
            return nil
        }
        // Every entry is read, so that every wrong one is reported.
        let values = nodes.enumerated().map { index, node in
            var value: Element?
            context.within("\(context.key)[\(index + 1)]", secret: false) { value = context.read(Element.self, from: node) }
            return value
        }
        let good = values.compactMap { $0 }
        return good.count == values.count ? good : nil
    }

    public var printed: String { "[\(map(\.printed).joined(separator: ", "))]" }

    public func problems() -> [ConfigurationProblem] { flatMap { $0.problems() } }
}

extension ConfigurationNode {
    fileprivate func listable(secret: Bool) -> String {
        guard case .scalar(let scalar) = content, !secret, !scalar.isHidden, scalar.text.utf8.count <= 40 else { return "…" }
        return PlainText.quotedIfNeeded(scalar.text)
    }
}
