public import ConfigurationLanguage
public import Logging

/// The `log` key of a file.
public struct LogSettings: NestedConfiguration {
    /// How a line of the log is written.
    public enum Format: String, Sendable, ConfigurationChoice {
        /// A line for people.
        case text
        /// One JSON object on each line.
        case json
    }

    /// `level`: the least important messages that are logged.
    public var level = Logger.Level.info
    /// `format`: how a line is written.
    public var format = Format.text

    public init() {}

    public static let schema = Schema<LogSettings>(
        .optional("level", \.level, "The least important messages that are logged."),
        .optional("format", \.format, "For people, or one JSON object on each line.")
    )
}
