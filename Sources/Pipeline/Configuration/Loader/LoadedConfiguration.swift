public import Logging

/// A configuration file that was checked: everything that a host needs to run it.
public struct LoadedConfiguration: Sendable {
    /// The file's name as it was given.
    public let file: String
    public let host: HostKind
    /// How long open exchanges have to finish when the process is asked to end.
    public let drain: Duration
    /// Nil means one for each core.
    public let eventLoops: Int?
    public let log: LogSettings
    /// Nil means that nothing is to answer for the pipeline.
    public let admin: AdminSettings?
    public let stages: [Entry]
    public let warnings: [ConfigurationError]
    let source: ConfigurationSource

    /// One stage of the list.
    public struct Entry: Sendable {
        let prepared: PreparedStage

        public var name: String { prepared.name }
        /// What it takes and yields at its place.
        public var form: StageForm { prepared.form }
        /// The stage's configuration as its factory gets it. To print it, use `settings`.
        public var configuration: any StageConfiguration { prepared.configuration }
        /// Every key with its value, defaults included, secrets redacted.
        public var settings: [(key: String, value: String)] { configuration.describe() }

        public var position: SourcePosition? {
            guard case .file(let position) = prepared.origin else { return nil }
            return position
        }
    }

    /// Makes every stage and puts them together.
    ///
    /// A `StageError` about the configuration comes out as `ConfigurationErrors`, at the key that it names; those of all
    /// stages together. Any other error is thrown as it is.
    public func plan(logger: Logger) throws -> Plan {
        var made: [Plan.NamedStage] = []
        var findings: [DecodingContext.Finding] = []
        for entry in stages {
            var logger = logger
            logger[metadataKey: "stage"] = "\(entry.name)"
            do {
                let stage = try entry.prepared.make(StageContext(logger: logger, host: host))
                made.append(Plan.NamedStage(name: entry.name, stage: stage))
            } catch let error as StageError where error.code == .configuration {
                let origin = error.key.flatMap { entry.prepared.keys[$0] } ?? entry.prepared.origin
                findings.append(
                    .init(message: "'\(entry.name)': \(error.message)", hint: nil, origin: origin, severity: .error)
                )
            }
        }
        guard findings.isEmpty else { throw ConfigurationErrors(source.errors(findings)) }
        return try Plan(folding: made)
    }
}

extension LoadedConfiguration: CustomStringConvertible {
    /// The configuration in full, defaults included and secrets redacted, in the layout of a file.
    public var description: String {
        var text = "host: \(host.rawValue)\ndrain: \(drain.printed)\n"
        if let eventLoops { text += "event-loops: \(eventLoops)\n" }
        if let admin { text += "admin: \(admin.printed)\n" }
        text += "log: \(log.printed)\npipeline:\n"
        for entry in stages {
            let settings = entry.settings
            text += settings.isEmpty ? "  - \(entry.name)\n" : "  - \(entry.name):\n"
            for (key, value) in settings { text += "      \(key): \(value)\n" }
        }
        return text
    }
}
