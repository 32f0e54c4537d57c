import ConfigurationLanguage

/// A configuration while it is being loaded: what was understood so far, and everything that is wrong.
struct Draft {
    private var root: ConfigurationNode
    private let files: SourceFiles
    private let checksFiles: Bool
    private var findings: [ConfigurationFinding]
    private(set) var secrets: Set<SourcePosition> = []
    private var stages: [StageList.Item] = []
    private var settings = FileSettings()
    private var settingPlaces = SettingPlaces()
    private var host = HostKind.server
    private var prepared: [PreparedStage] = []

    /// - Parameter root: What the configuration says, without references and with what it includes.
    init(root: ConfigurationNode, files: SourceFiles, checksFiles: Bool, findings: [ConfigurationFinding]) {
        self.root = root
        self.files = files
        self.checksFiles = checksFiles
        self.findings = findings
    }

    /// Puts in what overrides the files.
    /// - Parameter referred: The variables that the files refer to.
    mutating func resolve(
        environment: [String: String], overrides: [ConfigurationOverride], registry: StageRegistry,
        ignoring ignored: Set<String>, referred: Set<String>, profile: (name: String, origin: String)?
    ) {
        let list = StageList(root: root)
        var application = OverrideApplication(root: root, stages: list)
        if let profile { application.apply(profile: profile.name, origin: profile.origin) }
        application.apply(environment: environment, registry: registry, ignoring: ignored, referred: referred)
        for change in overrides { application.apply(change, registry: registry) }
        root = application.root
        stages = application.stages.items
        findings += list.findings + application.findings
    }

    /// Reads every key of every stage, and checks that the stages fit together.
    mutating func decode(registry: StageRegistry, host requested: HostKind?) {
        let context = DecodingContext(files: files, checksFiles: checksFiles)
        if let read = FileSettings.decodeMapping(root, in: context, noun: "the file") { settings = read }
        settingPlaces = SettingPlaces(context)
        findings += FirstFluidity.explaining(context.findings, in: root)
        secrets.formUnion(context.secrets)
        let list = StageReading(registry: registry, files: files, checksFiles: checksFiles)
            .list(stages, from: .start, to: .end)
        chooseHost(requested, for: list)
        if settings.lifecycle != nil, host != .agent, let node = root[key: "lifecycle"] {
            report("'lifecycle' is for agents, and this file is for the host '\(host.rawValue)'", at: node.origin)
        }
        if settings.addressRecord != nil, host != .server, let node = root[key: "address-record"] {
            report("'address-record' is for servers, and this file is for the host '\(host.rawValue)'", at: node.origin)
        }
        if settings.admin != nil, host == .lambda, let node = root[key: "admin"] {
            report("'admin' listens for connections, which the host 'lambda' can't", at: node.origin)
        }
        if settings.otlp != nil, host == .lambda, let node = root[key: "otlp"] {
            report("'otlp' sends while nothing is asked, which the host 'lambda' can't", at: node.origin)
        }
        if let admin = settings.admin {
            for stage in list.all {
                guard let listens = stage.listens, admin.listen.collides(with: listens) else { continue }
                report(
                    "'admin' listens on \(admin.listen), and so does '\(stage.item.name)'\(listens == admin.listen ? "" : ", on \(listens)")",
                    at: settingPlaces.origins["admin.listen"] ?? root[key: "admin"]?.origin ?? stage.item.origin,
                    hint: "each needs a port of its own")
            }
        }
        checkListeners(list.all)
        var preparation = StagePreparation(registry: registry, files: files, host: host)
        prepared = preparation.prepare(list)
        findings += preparation.findings
        secrets.formUnion(preparation.secrets)
    }

    /// A pipeline with several ways in listens in several places.
    private mutating func checkListeners(_ stages: [ReadStage]) {
        var known: [(stage: ReadStage, address: ListenAddress)] = []
        for stage in stages {
            guard let address = stage.listens else { continue }
            if let other = known.first(where: { $0.address.collides(with: address) }) {
                var message = "'\(stage.item.name)' listens on \(address), and so does '\(other.stage.item.name)'"
                if other.address != address { message += " on \(other.address)" }
                let origin = stage.places.origins["listen"] ?? stage.item.origin
                if let place = files.place(other.stage.item.origin, from: origin) { message += " (\(place))" }
                report(message, at: origin, hint: "each needs a port of its own")
            }
            known.append((stage, address))
        }
    }

    /// What was loaded, or everything that is wrong.
    func finished(source: ConfigurationSource) throws(ConfigurationErrors) -> LoadedConfiguration {
        let errors = source.errors(findings)
        guard !errors.contains(where: { $0.severity == .error }) else { throw ConfigurationErrors(errors) }
        return LoadedConfiguration(
            file: source.file, host: host, drain: settings.drain, eventLoops: settings.eventLoops, log: settings.log,
            lifecycle: settings.lifecycle, addressRecord: settings.addressRecord, audit: settings.audit, otlp: settings.otlp,
            admin: settings.admin,
            stages: prepared.map(LoadedConfiguration.Entry.init), warnings: errors, source: source, places: settingPlaces,
            fileSettings: settings.settings(placed: settingPlaces), profiles: settings.profiles.names,
            tests: LoadedTests(tests: settings.tests, places: settingPlaces, source: source)
        )
    }

    private mutating func chooseHost(_ requested: HostKind?, for list: ReadList) {
        if let requested {
            host = requested
            guard let stated = settings.host, stated != requested, let node = root[key: "host"] else { return }
            return report(
                "this file is for the host '\(stated.rawValue)', not for '\(requested.rawValue)'", at: node.origin
            )
        }
        if let stated = settings.host {
            host = stated
        } else if list.all.contains(where: { $0.factory?.needs.contains(.lambdaRuntime) ?? false }) {
            host = .lambda
        } else if list.sinks.contains(where: { $0.factory?.forms.contains { $0.input == .outbound } ?? false }) {
            host = .agent
        }
    }

    private mutating func report(_ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil) {
        findings.append(.init(message: message, hint: hint, origin: origin, severity: .error))
    }
}

extension ConfigurationSource {
    /// Findings as errors, in the order of the file, none twice; what doesn't stand in the file comes last.
    func errors(_ findings: [ConfigurationFinding]) -> [ConfigurationError] {
        let errors = findings.map(error)
        var seen: Set<ConfigurationError> = []
        let order = errors.indices.sorted {
            guard let left = errors[$0].position else { return errors[$1].position == nil && $0 < $1 }
            guard let right = errors[$1].position else { return true }
            return left == right ? $0 < $1 : left < right
        }
        return order.map { errors[$0] }.filter { seen.insert($0).inserted }
    }
}
