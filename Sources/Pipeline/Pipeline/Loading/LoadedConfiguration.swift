public import ConfigurationLanguage
public import Logging

/// A configuration file that was checked: everything that a host needs to run it.
public struct LoadedConfiguration: Sendable {
    /// The file's name as it was given.
    public let file: String
    /// What kind of program is to run it.
    public let host: HostKind
    /// How long open exchanges have to finish when the process is asked to end.
    public let drain: Duration
    /// Nil means one for each core.
    public let eventLoops: Int?
    /// How the program's log is written.
    public let log: LogSettings
    /// How an agent has its server started and stopped; nil when it has nothing to do with that.
    public let lifecycle: LifecycleSettings?
    /// The DNS record that a server writes; nil for none.
    public let addressRecord: AddressRecordSettings?
    /// Where it is recorded what matters for security; nil where it isn't.
    public let audit: AuditSettings?
    /// Which collector gets traces and metrics; nil for none.
    public let otlp: OTLPSettings?
    /// Nil means that nothing is to answer for the pipeline.
    public let admin: AdminSettings?
    /// The stages, in the order of the list.
    public let stages: [Entry]
    /// What works and is hardly what was meant, in the order of the file.
    public let warnings: [ConfigurationError]
    let source: ConfigurationSource
    /// The texts of its files, as they were read: its own, then those that it includes.
    package var texts: [String] { source.allTexts.map(\.text) }
    /// Where the keys beside the pipeline stand.
    let places: SettingPlaces
    /// What counts beside the pipeline, value by value: `drain`, `log.level`.
    package let fileSettings: [ConfigurationSetting]
    /// What the file's profiles are called.
    package let profiles: [String]
    /// What `fluidity test` runs.
    package let tests: LoadedTests

    /// One stage of the list.
    public struct Entry: Sendable {
        let prepared: PreparedStage

        /// The stage's name in the list.
        public var name: String { prepared.name }
        /// What it takes and yields at its place.
        public var form: StageForm { prepared.form }
        /// The stage's configuration as its factory gets it. To print it, use `settings`.
        public var configuration: any StageConfiguration { prepared.configuration }
        /// Every key with its value, defaults included, secrets redacted.
        public var settings: [(key: String, value: String)] { configuration.describe() }

        /// Every key with its value and where that comes from; those inside a mapping one by one, by their dotted paths.
        package var placedSettings: [ConfigurationSetting] { configuration.settings(placed: prepared.places) }

        /// What it is to those around it, as it is configured.
        package var traits: StageTraits { prepared.traits }

        /// The lists of stages that it has itself, by their names.
        public var branches: [Branch] { prepared.branches.map(Branch.init) }

        /// Where the stage's name stands in the file.
        public var position: SourcePosition? {
            guard case .file(let position) = prepared.origin else { return nil }
            return position
        }
    }

    /// A list of stages that a stage has itself.
    public struct Branch: Sendable {
        let prepared: PreparedBranch

        /// What it is called.
        public var name: String { prepared.name }
        /// The stages, in the order of the list.
        public var stages: [Entry] { prepared.stages.map(Entry.init) }
    }

    /// Every stage, those of branches behind the stage that has them.
    public var allStages: [Entry] {
        func all(_ entries: [Entry]) -> [Entry] { entries.flatMap { [$0] + $0.branches.flatMap { all($0.stages) } } }
        return all(stages)
    }

    /// The stages at the ends of the list: several where the last one has branches.
    package var sinks: [Entry] {
        func ends(_ entries: [Entry]) -> [Entry] {
            guard let last = entries.last else { return [] }
            return last.branches.isEmpty ? [last] : last.branches.flatMap { ends($0.stages) }
        }
        return ends(stages)
    }

    /// Whether a stage has the server woken, and lets exchanges wait until it is up.
    package func wakesServer(in entry: Entry) -> Bool {
        lifecycle != nil && entry.form.output == .outbound && entry.traits.contains(.wakesServer)
    }

    /// Makes every stage and puts them together.
    ///
    /// A `StageError` about the configuration comes out as `ConfigurationErrors`, at the key that it names; those of all
    /// stages together. Any other error is thrown as it is.
    ///
    /// - Parameter presence: what stages and host tell each other about a server that is woken.
    public func plan(logger: Logger, presence: ServerPresence? = nil) throws -> Plan {
        try plan(logger: logger, presence: presence, audit: nil)
    }

    /// The same with a stream of what matters for security, for stages that have something to say beside what passes.
    package func plan(logger: Logger, presence: ServerPresence?, audit: AuditLog?) throws -> Plan {
        // A pipeline that is only checked is made in the same way.
        let known = presence ?? lifecycle.map(ServerPresence.init)
        var findings: [ConfigurationFinding] = []
        var context = StageContext(logger: logger, host: host)
        context.presence = known
        context.audit = audit
        let made = try stages.compactMap { try $0.prepared.made(context, findings: &findings) }
        guard findings.isEmpty else { throw ConfigurationErrors(source.errors(findings)) }
        return try Plan(folding: made)
    }
}

extension LoadedConfiguration {
    /// A finding about a stage, at a key of its, or at its name where the key isn't set.
    package func finding(
        _ message: String, at entry: Entry, key: String? = nil, hint: String? = nil,
        severity: ConfigurationError.Severity = .error
    ) -> ConfigurationError {
        let origin = key.flatMap { entry.prepared.places.origins[$0] } ?? entry.prepared.origin
        return source.error(.init(message: message, hint: hint, origin: origin, severity: severity))
    }
}

extension LoadedConfiguration: CustomStringConvertible {
    /// The configuration in full, defaults included and secrets redacted, in the layout of a file.
    public var description: String {
        var text = "host: \(host.rawValue)\ndrain: \(drain.printed)\n"
        if let eventLoops { text += "event-loops: \(eventLoops)\n" }
        if let addressRecord { text += "address-record: \(addressRecord.printed)\n" }
        if let lifecycle { text += "lifecycle: \(lifecycle.printed)\n" }
        if let admin { text += "admin: \(admin.printed)\n" }
        if let audit { text += "audit: \(audit.printed)\n" }
        if let otlp { text += "otlp: \(otlp.printed)\n" }
        text += "log: \(log.printed)\npipeline:\n"
        for entry in stages {
            let settings = entry.settings
            text += settings.isEmpty ? "  - \(entry.name)\n" : "  - \(entry.name):\n"
            for (key, value) in settings { text += "      \(key): \(value)\n" }
        }
        return text
    }
}
