import ConfigurationLanguage

/// Checks stages that were read among their neighbours, in the main list and in every branch, and has them ready to be made.
struct StagePreparation {
    let registry: StageRegistry
    let files: SourceFiles
    /// Nil where it isn't known what runs the stages.
    let host: HostKind?
    private(set) var findings: [ConfigurationFinding] = []
    private(set) var secrets: Set<SourcePosition> = []

    init(registry: StageRegistry, files: SourceFiles, host: HostKind?) {
        self.registry = registry
        self.files = files
        self.host = host
    }

    /// - Returns: The stages that can be made, which are all of them where nothing is wrong.
    mutating func prepare(_ list: ReadList) -> [PreparedStage] {
        prepare(check(list), before: [], after: [])
    }

    private struct CheckedList {
        var list: ReadList
        var forms: [StageForm?]
        var nested: [[CheckedList]]

        var neighbours: [StageSurroundings.Neighbour] {
            list.stages.indices.map { index in
                let stage = list.stages[index]
                var neighbour = StageSurroundings.Neighbour(
                    name: stage.item.name, form: forms[index], traits: stage.traits, dials: stage.dials, listens: stage.listens)
                neighbour.branches = nested[index].map(\.neighbours)
                return neighbour
            }
        }
    }

    private mutating func check(_ list: ReadList) -> CheckedList {
        let check = StageListCheck(
            list.stages.map { .init(name: $0.item.name, origin: $0.item.origin, factory: $0.factory) }, registry: registry,
            files: files, host: host, from: list.input, to: list.output)
        findings += list.findings + check.findings
        let nested = list.stages.map { stage in stage.nested.map { self.check($0) } }
        return CheckedList(list: list, forms: check.forms, nested: nested)
    }

    private mutating func prepare(
        _ checked: CheckedList, before: [StageSurroundings.Neighbour], after: [StageSurroundings.Neighbour]
    ) -> [PreparedStage] {
        let neighbours = checked.neighbours
        var prepared: [PreparedStage] = []
        for (index, stage) in checked.list.stages.enumerated() {
            findings += stage.findings
            secrets.formUnion(stage.secrets)
            guard stage.factory != nil else {
                report(
                    "there is no stage '\(stage.item.name)'", at: stage.item.origin,
                    hint: NearestName.hint(for: stage.item.name, among: registry.names, otherwise: "the stages are"))
                continue
            }
            let surroundings = StageSurroundings(
                before: before + neighbours[..<index], after: neighbours[(index + 1)...] + after)
            // To what is in a branch, the other branches are nothing.
            var owner = neighbours[index]
            owner.branches = []
            let branches = checked.nested[index].enumerated().map { number, list in
                PreparedBranch(
                    name: stage.branchNames.indices.contains(number) ? stage.branchNames[number] : "\(number + 1)",
                    stages: prepare(
                        list, before: surroundings.before + [owner],
                        after: list.list.output == .end ? [] : surroundings.after))
            }
            let (problems, made) = stage.prepare(checked.forms[index], surroundings, branches)
            for problem in problems {
                let origin = problem.key.flatMap { stage.places.origins[$0] } ?? stage.item.origin
                findings.append(
                    .init(
                        message: problem.message, hint: problem.hint, origin: origin,
                        severity: problem.isWarning ? .warning : .error))
            }
            if let made { prepared.append(made) }
        }
        return prepared
    }

    private mutating func report(_ message: String, at origin: ConfigurationNode.Origin, hint: String?) {
        findings.append(.init(message: message, hint: hint, origin: origin, severity: .error))
    }
}
