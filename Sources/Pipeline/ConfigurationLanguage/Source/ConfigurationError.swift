/// One thing that is wrong in a configuration, printed like a compiler's message.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whether it keeps the configuration from being used.
    public enum Severity: String, Sendable {
        case error
        case warning
    }

    /// The file's name, or what overrides it: `--set pipeline.accept.listen`.
    public var file: String
    /// Nil for an override, and for what concerns the file as a whole.
    public var position: SourcePosition?
    public var severity: Severity
    public var message: String
    public var hint: String?
    /// The text of the line, secrets blanked.
    public var sourceLine: String?

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

    public var line: Int? { position?.line }
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

    public init(_ errors: [ConfigurationError]) {
        self.errors = errors
    }

    public var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}
