public import Logging

/// A configuration file that was checked: everything that a host needs to run it.
public struct LoadedConfiguration: Sendable {
    /// The file's name as it was given.
    public var file: String
    public var host: HostKind
    /// How long open exchanges have to finish when the process is asked to end.
    public var drain: Duration
    /// Nil means one for each core.
    public var eventLoops: Int?
    public var log: LogSettings
    public var stages: [Entry]
    public var warnings: [ConfigurationError]

    /// One stage of the list.
    public struct Entry: Sendable {
        public var name: String
        public var form: StageForm
        public var position: SourcePosition
        /// The stage's configuration as the factory will get it.
        public var configuration: any StageConfiguration
        let make: @Sendable (StageContext) throws -> any Stage

        /// Every key with its value, defaults included, secrets redacted.
        public var settings: [(key: String, value: String)] { configuration.describe() }
    }

    /// Makes every stage and puts them together.
    public func plan(logger: Logger) throws -> Plan {
        throw ConfigurationErrors([])
    }
}

/// The `log` key of a file.
public struct LogSettings: NestedConfiguration {
    public enum Format: String, Sendable, ConfigurationChoice {
        case text
        case json
    }

    public var level: Logger.Level
    public var format: Format

    public init() {
        level = .info
        format = .text
    }

    public static let schema = Schema<LogSettings>(
        .optional("level", \.level, "The least important messages that are logged."),
        .optional("format", \.format, "For people, or one JSON object on each line.")
    )
}
