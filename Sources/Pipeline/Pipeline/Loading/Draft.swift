import ConfigurationLanguage

/// A configuration while it is being loaded: what was understood so far, and everything that is wrong.
struct Draft {
    private var root: ConfigurationNode
    private let directory: String
    private let checksFiles: Bool
    private var findings: [ConfigurationFinding]
    private(set) var secrets: Set<SourcePosition> = []
    private var stages: [StageList.Item] = []
    private var settings = FileSettings()
    private var settingPlaces = SettingPlaces()
    private var host = HostKind.server
    private var prepared: [PreparedStage] = []

    init(root: ConfigurationNode, directory: String, checksFiles: Bool, findings: [ConfigurationFinding]) {
        self.root = root
        self.directory = directory
        self.checksFiles = checksFiles
        self.findings = findings
    }

    /// Replaces variables, then puts in what overrides the file.
    mutating func resolve(
        environment: [String: String], overrides: [ConfigurationOverride], registry: StageRegistry,
        ignoring ignored: Set<String>
    ) {
        var substitution = Substitution(environment: environment, directory: directory)
        root = substitution.apply(to: root)
        let list = StageList(root: root)
        var application = OverrideApplication(root: root, stages: list)
        application.apply(environment: environment, registry: registry, ignoring: ignored, referred: substitution.variables)
        for change in overrides { application.apply(change, registry: registry) }
        root = application.root
        stages = application.stages.items
        findings += substitution.findings + list.findings + application.findings
    }

    /// Reads every key of every stage, and checks that the stages fit together.
    mutating func decode(registry: StageRegistry, host requested: HostKind?) {
        let context = DecodingContext(directory: directory, checksFiles: checksFiles)
        if let read = FileSettings.decodeMapping(root, in: context, noun: "the file") { settings = read }
        settingPlaces = SettingPlaces(context)
        findings += FirstFluidity.explaining(context.findings, in: root)
        secrets.formUnion(context.secrets)
        let factories = stages.map { registry.factory(named: $0.name) }
        chooseHost(requested, for: factories.compactMap { $0.map { type(of: $0) } })
        if settings.lifecycle != nil, host != .agent, let node = root[key: "lifecycle"] {
            report("'lifecycle' is for agents, and this file is for the host '\(host.rawValue)'", at: node.origin)
        }
        if settings.addressRecord != nil, host != .server, let node = root[key: "address-record"] {
            report("'address-record' is for servers, and this file is for the host '\(host.rawValue)'", at: node.origin)
        }
        let check = StageListCheck(
            zip(stages, factories).map { item, factory in
                .init(name: item.name, origin: item.origin, factory: factory.map { type(of: $0) })
            },
            registry: registry, host: host
        )
        findings += check.findings
        let read = zip(stages, factories).map { item, factory in factory.map { self.read(item, $0) } }
        let all = stages.indices.map { index in
            StageSurroundings.Neighbour(
                name: stages[index].name, form: check.forms[index], traits: read[index]?.traits ?? [], dials: read[index]?.dials)
        }
        if settings.admin != nil, host == .lambda, let node = root[key: "admin"] {
            report("'admin' listens for connections, which the host 'lambda' can't", at: node.origin)
        }
        if let admin = settings.admin {
            for (index, item) in stages.enumerated() {
                guard let listens = read[index]?.listens, admin.listen.collides(with: listens) else { continue }
                report(
                    "'admin' listens on \(admin.listen), and so does '\(item.name)'\(listens == admin.listen ? "" : ", on \(listens)")",
                    at: settingPlaces.origins["admin.listen"] ?? root[key: "admin"]?.origin ?? item.origin,
                    hint: "each needs a port of its own")
            }
        }
        for (index, item) in stages.enumerated() {
            guard let stage = read[index] else {
                report(
                    "there is no stage '\(item.name)'", at: item.origin,
                    hint: NearestName.hint(for: item.name, among: registry.names, otherwise: "the stages are")
                )
                continue
            }
            let surroundings = StageSurroundings(before: Array(all[..<index]), after: Array(all[(index + 1)...]))
            stage.prepare(&self, check.forms[index], surroundings)
        }
    }

    /// What was loaded, or everything that is wrong.
    func finished(source: ConfigurationSource) throws(ConfigurationErrors) -> LoadedConfiguration {
        let errors = source.errors(findings)
        guard !errors.contains(where: { $0.severity == .error }) else { throw ConfigurationErrors(errors) }
        return LoadedConfiguration(
            file: source.file, host: host, drain: settings.drain, eventLoops: settings.eventLoops, log: settings.log,
            lifecycle: settings.lifecycle, addressRecord: settings.addressRecord, admin: settings.admin,
            stages: prepared.map(LoadedConfiguration.Entry.init), warnings: errors, source: source, places: settingPlaces,
            fileSettings: settings.settings(placed: settingPlaces),
            tests: LoadedTests(tests: settings.tests, places: settingPlaces, source: source)
        )
    }

    /// Reads the keys of a stage. What they mean at their place is said once those of all stages are known.
    private func read<Factory: StageFactory>(_ item: StageList.Item, _ factory: Factory) -> ReadStage {
        let context = DecodingContext(directory: directory, checksFiles: checksFiles)
        let configuration = Factory.Configuration.decodeMapping(
            item.configuration, in: context, noun: "'\(item.name)'", at: item.origin)
        return ReadStage(
            traits: configuration.map(factory.traits) ?? Factory.traits,
            dials: (configuration as? any DiallingConfiguration)?.dials,
            listens: (configuration as? any ListeningConfiguration)?.listen
        ) { draft, form, surroundings in
            draft.prepare(item, factory, configuration, context, form: form, among: surroundings)
        }
    }

    private mutating func prepare<Factory: StageFactory>(
        _ item: StageList.Item, _ factory: Factory, _ configuration: Factory.Configuration?, _ context: DecodingContext,
        form: StageForm?, among surroundings: StageSurroundings
    ) {
        if let configuration {
            context.report(factory.problems(configuration, among: surroundings), else: item.origin)
        }
        take(context)
        guard let configuration, let form else { return }
        prepared.append(
            PreparedStage(
                name: item.name, form: form, origin: item.origin, places: SettingPlaces(context), needs: Factory.needs,
                traits: factory.traits(of: configuration), configuration: configuration
            ) {
                var context = $0
                context.surroundings = surroundings
                return try factory.make(configuration, form: form, context: context)
            }
        )
    }

    private mutating func chooseHost(_ requested: HostKind?, for factories: [any StageFactory.Type]) {
        if let requested {
            host = requested
            guard let stated = settings.host, stated != requested, let node = root[key: "host"] else { return }
            return report(
                "this file is for the host '\(stated.rawValue)', not for '\(requested.rawValue)'", at: node.origin
            )
        }
        if let stated = settings.host {
            host = stated
        } else if factories.contains(where: { $0.needs.contains(.lambdaRuntime) }) {
            host = .lambda
        } else if factories.last?.forms.contains(where: { $0.input == .outbound }) ?? false {
            host = .agent
        }
    }

    private mutating func take(_ context: DecodingContext) {
        findings += context.findings
        secrets.formUnion(context.secrets)
    }

    private mutating func report(_ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil) {
        findings.append(.init(message: message, hint: hint, origin: origin, severity: .error))
    }
}

/// A stage whose keys were read; its place in the list isn't known to it yet.
private struct ReadStage {
    var traits: StageTraits
    var dials: StageSurroundings.Dialled?
    var listens: ListenAddress?
    var prepare: (inout Draft, StageForm?, StageSurroundings) -> Void
}

/// A stage whose configuration was read, ready to be made.
struct PreparedStage: Sendable {
    var name: String
    var form: StageForm
    var origin: ConfigurationNode.Origin
    /// Where each key stands.
    var places: SettingPlaces
    var needs: HostNeeds
    /// What it is to those around it, as it is configured.
    var traits: StageTraits
    var configuration: any StageConfiguration
    var make: @Sendable (StageContext) throws -> any Stage
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
