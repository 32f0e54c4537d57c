import ConfigurationLanguage
import Logging

/// Reads the keys of stages, and the lists of stages that stand in them.
struct StageReading: Sendable {
    let registry: StageRegistry
    let files: SourceFiles
    let checksFiles: Bool

    func list(_ items: [StageList.Item], from input: MediumKind, to output: MediumKind) -> ReadList {
        ReadList(input: input, output: output, stages: items.map(stage))
    }

    func stage(_ item: StageList.Item) -> ReadStage {
        guard let factory = registry.factory(named: item.name) else { return ReadStage(item: item) }
        return stage(item, factory)
    }

    private func stage<Factory: StageFactory>(_ item: StageList.Item, _ factory: Factory) -> ReadStage {
        let context = DecodingContext(files: files, checksFiles: checksFiles)
        let reader = Reader(self)
        context.companion = reader
        let configuration = Factory.Configuration.decodeMapping(
            item.configuration, in: context, noun: "'\(item.name)'", at: item.origin)
        let places = SettingPlaces(context)
        let traits = configuration.map(factory.traits) ?? Factory.traits
        let names = (configuration as? any BranchingConfiguration)?.branchLists.map(\.name) ?? []
        return ReadStage(
            item: item, factory: Factory.self, configuration: configuration, traits: traits, places: places,
            findings: context.findings, secrets: context.secrets, nested: reader.lists, branchNames: names
        ) { form, surroundings, branches in
            guard let configuration else { return ([], nil) }
            let problems = factory.problems(configuration, among: surroundings)
            guard let form else { return (problems, nil) }
            let prepared = PreparedStage(
                name: item.name, form: form, origin: item.origin, places: places, needs: Factory.needs, traits: traits,
                configuration: configuration, branches: branches
            ) {
                var context = $0
                context.surroundings = surroundings
                return try factory.make(configuration, form: form, context: context)
            }
            return (problems, prepared)
        }
    }

    /// Reads the lists of one stage, and keeps them for the checks.
    private final class Reader: NestedStagesReader {
        private let reading: StageReading
        private(set) var lists: [ReadList] = []

        init(_ reading: StageReading) { self.reading = reading }

        func read(_ node: ConfigurationNode, label: String, from input: MediumKind, to output: MediumKind) -> [NestedEntry] {
            let list = StageList(node, noun: label, emptyAt: node.origin)
            var read = reading.list(list.items, from: input, to: output)
            read.findings = list.findings
            lists.append(read)
            return read.stages.compactMap { stage in
                stage.configuration.map { NestedEntry(name: stage.item.name, configuration: $0) }
            }
        }
    }
}

/// A list of stages whose keys were read.
struct ReadList {
    var input: MediumKind
    var output: MediumKind
    var stages: [ReadStage]
    /// What is wrong with the list itself.
    var findings: [ConfigurationFinding] = []

    /// Its stages, and those of all lists within it.
    var all: [ReadStage] { stages.flatMap { [$0] + $0.nested.flatMap(\.all) } }

    /// The stages at its ends: several where the last one has branches.
    var sinks: [ReadStage] {
        guard let last = stages.last else { return [] }
        return last.nested.isEmpty ? [last] : last.nested.flatMap(\.sinks)
    }
}

/// A stage whose keys were read; its place in the list isn't known to it yet.
struct ReadStage {
    var item: StageList.Item
    /// Nil for a stage that the registry doesn't know.
    var factory: (any StageFactory.Type)?
    /// Nil where a key can't be read.
    var configuration: (any StageConfiguration)?
    var traits: StageTraits = []
    var places = SettingPlaces()
    var findings: [ConfigurationFinding] = []
    var secrets: Set<SourcePosition> = []
    /// The lists of stages in its configuration, in the order in which they were read.
    var nested: [ReadList] = []
    var branchNames: [String] = []
    /// What is wrong with it among its neighbours, and the stage ready to be made; nil where it can't be.
    var prepare: (StageForm?, StageSurroundings, [PreparedBranch]) -> (problems: [ConfigurationProblem], stage: PreparedStage?) =
        { _, _, _ in ([], nil) }

    var dials: StageSurroundings.Dialled? { (configuration as? any DiallingConfiguration)?.dials }
    var listens: ListenAddress? { (configuration as? any ListeningConfiguration)?.listen }
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
    /// The lists of stages that it has itself.
    var branches: [PreparedBranch]
    var make: @Sendable (StageContext) throws -> any Stage
}

/// A list of stages within a stage, ready to be made.
struct PreparedBranch: Sendable {
    var name: String
    var stages: [PreparedStage]
}

extension PreparedStage {
    /// Makes the stage, and those of its branches before it. Nil where one of them can't be made for a reason in its configuration, which
    /// is added to `findings`. Any other error is thrown as it is.
    func made(_ context: StageContext, findings: inout [ConfigurationFinding]) throws -> ListedStage? {
        var own = context
        own.logger[metadataKey: "stage"] = "\(name)"
        let before = findings.count
        own.branches = try branches.map { branch in
            var inner = context
            inner.logger[metadataKey: "branch"] = "\(branch.name)"
            return StageBranch(name: branch.name, stages: try branch.stages.compactMap { try $0.made(inner, findings: &findings) })
        }
        guard findings.count == before else { return nil }
        do {
            return ListedStage(name: name, stage: try make(own))
        } catch let error as StageError where error.code == .configuration {
            let origin = error.key.flatMap { places.origins[$0] } ?? origin
            findings.append(.init(message: "'\(name)': \(error.message)", hint: nil, origin: origin, severity: .error))
            return nil
        }
    }
}
