/// A type that a configuration key can have.
///
/// Most types are written as one scalar and conform to `ScalarConfigurationValue`, which needs much less.
public protocol ConfigurationValue: Sendable {
    /// What a person is to write, as it stands after "wants": `a duration such as 30s`.
    static var typeDescription: String { get }
    /// Reads a value from a file. What is wrong is reported to the context, and nil returned.
    static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Self?
    /// The value as it would stand in a file; `[redacted]` for a secret.
    var printed: String { get }
    /// What is wrong with a value that was made in code, and not read from a file. By default nothing: for a type whose
    /// initialisers let nothing wrong through.
    func problems() -> [ConfigurationProblem]
    /// Whether the value must not be shown.
    static var isSecret: Bool { get }
    /// The keys inside, for a type that is written as a mapping.
    static var keys: [SchemaDescription] { get }
    /// What it looks like, for editors. By default a scalar is a text, a `ConfigurationChoice` its words, anything else `any`.
    static var shape: ValueShape { get }
}

extension ConfigurationValue {
    public func problems() -> [ConfigurationProblem] { [] }
    public static var isSecret: Bool { false }
    public static var keys: [SchemaDescription] { [] }
}

/// A type that is written as one scalar: conform by giving a description, a way to read the text and a way to print it.
public protocol ScalarConfigurationValue: ConfigurationValue {
    /// Reads the text of a scalar, quotes removed and variables replaced.
    init(configured text: String) throws(InvalidValue)
}

extension ScalarConfigurationValue {
    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Self? {
        guard case .scalar(let scalar) = node.content else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        do {
            return try Self(configured: scalar.text)
        } catch {
            context.reject(node, wanted: typeDescription, error)
            return nil
        }
    }
}

extension ScalarConfigurationValue {
    /// What is wrong with a text as a value of this type: for the `problems` of a type that takes any literal in code.
    public static func problems(of text: String) -> [ConfigurationProblem] {
        do {
            _ = try Self(configured: text)
            return []
        } catch {
            let reason = error.reason.map { ": \($0)" } ?? ""
            return [ConfigurationProblem("'\(text)' is not \(typeDescription)\(reason)", hint: error.hint)]
        }
    }
}

/// Why a scalar's text can't be read. The loader says which key, what it wants and what stands there.
public struct InvalidValue: Error, Sendable {
    /// What is wrong, where the description of the type doesn't make it plain: `the port is missing`.
    public var reason: String?
    /// What to write instead, as the end of a sentence; nil where nothing can be said.
    public var hint: String?

    /// A refusal, which needs no reason where the description of the type says all.
    public init(_ reason: String? = nil, hint: String? = nil) {
        self.reason = reason
        self.hint = hint
    }
}

/// One of a few words: `enum Mode: String, ConfigurationChoice { case proxy, origin }`.
public protocol ConfigurationChoice: ScalarConfigurationValue, RawRepresentable, CaseIterable where RawValue == String {}

extension ConfigurationChoice {
    public static var typeDescription: String {
        let words = allCases.map(\.rawValue)
        return words.count == 1 ? "'\(words[0])'" : "one of \(words.joined(separator: ", "))"
    }

    public init(configured text: String) throws(InvalidValue) {
        guard let value = Self(rawValue: text) else {
            throw InvalidValue(hint: NearestName.hint(for: text, among: Self.allCases.map(\.rawValue)))
        }
        self = value
    }

    public var printed: String { rawValue }
}
