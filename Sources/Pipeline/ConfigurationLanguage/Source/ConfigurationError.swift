/// One thing that is wrong in a configuration, printed like a compiler's message.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whether it keeps the configuration from being used.
    public enum Severity: String, Sendable {
        /// The configuration can't be used.
        case error
        /// It works and is hardly what was meant.
        case warning
    }

    /// The file's name, or what overrides it: `--set pipeline.accept.listen`.
    public var file: String
    /// Nil for an override, and for what concerns the file as a whole.
    public var position: SourcePosition?
    /// Whether the configuration can be used all the same.
    public var severity: Severity
    /// What is wrong, as a sentence without its full stop.
    public var message: String
    /// What the reader can do about it; nil where nothing can be said.
    public var hint: String?
    /// The text of the line, secrets blanked.
    public var sourceLine: String?

    /// An error at a place of a file, or of what overrides it.
    /// - Parameter sourceLine: The line as it may be shown: with its secrets blanked.
    public init(
        file: String, position: SourcePosition? = nil, severity: Severity = .error, message: String, hint: String? = nil,
        sourceLine: String? = nil
    ) {
        self.file = file
        self.position = position
        self.severity = severity
        self.message = message
        self.hint = hint
        self.sourceLine = sourceLine
    }

    /// The line, counted from 1; nil where there is no position.
    public var line: Int? { position?.line }
    /// The column in Unicode scalars, counted from 1; nil where there is no position.
    public var column: Int? { position?.column }

    /// `file:line:column: error: message`, the line, a caret and the hint.
    public var description: String {
        var place = file
        if let position { place += ":\(position.line):\(position.column)" }
        var text = "\(place): \(severity.rawValue): \(message)"
        if let sourceLine, let position {
            // Tabs stay tabs, so that the caret stands under its column whatever a tab's width.
            let margin = sourceLine.unicodeScalars.prefix(position.column - 1).map { $0 == "\t" ? "\t" : " " }
            text += "\n\(sourceLine)\n\(margin.joined())^"
        }
        if let hint { text += "\nhint: \(hint)" }
        return text
    }
}

/// Everything that is wrong in a configuration, in the order of the file. Exit status 65 (EX_DATAERR).
public struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
    /// Errors and, among them, warnings.
    public var errors: [ConfigurationError]

    /// Errors that are in the order of the file already.
    public init(_ errors: [ConfigurationError]) {
        self.errors = errors
    }

    public var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}
