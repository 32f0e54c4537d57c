/// A stage's part of a configuration file: a plain value with all defaults from `init()`. `schema` has the keys that a file
/// may set. A text that must not be printed is a `Secret`, so that printing the whole value can't show it either.
///
///     struct AcceptConfiguration: StageConfiguration {
///         var listen = ListenAddress.tcp(host: "127.0.0.1", port: 8080)
///         var maxConnections = 10_000
///
///         static let schema = Schema<AcceptConfiguration>(
///             .required("listen", \.listen, "Address and port, or unix:PATH."),
///             .optional("max-connections", \.maxConnections, in: 1...1_000_000, "Connections open at once.")
///         )
///     }
public protocol StageConfiguration: Sendable, Equatable {
    /// Every default. A required key has a placeholder, which the loader never lets through.
    init()
    /// The keys that a file may set, and where their values are kept.
    static var schema: Schema<Self> { get }
    /// What is wrong beyond single keys. Called only when every key could be read.
    func validate() -> [ConfigurationProblem]
}

extension StageConfiguration {
    public func validate() -> [ConfigurationProblem] { [] }

    /// What is wrong with a configuration that was made in code: everything that would be wrong with it in a file. Keys out of
    /// their range and malformed values come first, each with its dotted path; without such, what `validate` finds.
    public func check() -> [ConfigurationProblem] {
        let ofKeys = Self.schema.fields.flatMap { $0.problems(self) }
        return ofKeys.contains { !$0.isWarning } ? ofKeys : ofKeys + validate()
    }
}

/// What `validate` finds. The loader gives it the position of `key`, or of the whole entry where there is none.
public struct ConfigurationProblem: Sendable, Equatable {
    /// The key at fault, dotted inside a nested object: `limits.bytes`.
    public var key: String?
    /// What is wrong, as a sentence without its full stop.
    public var message: String
    /// What the reader can do about it; nil where nothing can be said.
    public var hint: String?
    /// A warning is printed and doesn't keep the pipeline from starting.
    public var isWarning: Bool

    /// A problem that keeps the pipeline from starting, unless it is a warning.
    /// - Parameter key: The key at fault, dotted; nil for the whole entry.
    public init(_ message: String, key: String? = nil, hint: String? = nil, isWarning: Bool = false) {
        self.message = message
        self.key = key
        self.hint = hint
        self.isWarning = isWarning
    }

    /// The same for the mapping around the one that it was found in.
    func below(_ key: String) -> ConfigurationProblem {
        var problem = self
        problem.key = self.key.map { "\(key).\($0)" } ?? key
        return problem
    }

    /// Something that works and is hardly what was meant.
    public static func warning(_ message: String, key: String? = nil, hint: String? = nil) -> ConfigurationProblem {
        ConfigurationProblem(message, key: key, hint: hint, isWarning: true)
    }
}

/// A group of keys inside a stage's configuration: a value with a schema of its own, written as a mapping.
public protocol NestedConfiguration: StageConfiguration, ConfigurationValue {}
