public import ConfigurationLanguage
public import Pipeline

/// What `entrances` can be told.
public struct EntrancesConfiguration: StageConfiguration, BranchingConfiguration {
    /// The ways in, which all lead to the stage behind this one.
    public var ways: [Entrance] = []

    public init() {}

    public static let schema = Schema<EntrancesConfiguration>(
        .required("ways", \.ways, "The ways in. The exchanges of all of them go to the stage behind this one.")
    )

    public var branchLists: [ConfiguredBranch] { ways.map { ConfiguredBranch(name: $0.name, stages: $0.stages) } }

    public func validate() -> [ConfigurationProblem] {
        let twice = ways.indices.compactMap { index -> ConfigurationProblem? in
            guard let other = ways[..<index].firstIndex(where: { $0.name == ways[index].name }) else { return nil }
            return ConfigurationProblem(
                "way \(other + 1) is called '\(ways[index].name)' as well", key: "ways.ways[\(index + 1)].name",
                hint: "logs and metrics know ways by their names")
        }
        return ways.isEmpty ? [ConfigurationProblem("'entrances' needs a way in", key: "ways")] : twice
    }
}

/// One way in: a list of stages from a source to exchanges.
public struct Entrance: NestedConfiguration {
    /// What it is called.
    public var name = ""
    /// A source, and what makes exchanges of its connections.
    public var stages = NestedStages<Start, Exchange>()

    public init() {}

    /// A way in, in Swift code. Its list begins with a source and yields exchanges.
    ///
    ///     Entrance("proxy") {
    ///         Step.accept(.tcp(host: "127.0.0.1", port: 8080))
    ///         Step.http()
    ///     }
    public init(_ name: String, @BranchBuilder<Start> _ steps: () -> BranchSteps<Exchange>) {
        self.name = name
        stages = NestedStages(steps)
    }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Entrance? {
        let entrance = decodeMapping(node, in: context, noun: context.label)
        if entrance == nil { BranchName.report(nameOf: node, in: context) }
        return entrance
    }

    public static let schema = Schema<Entrance>(
        .required("name", \.name, "What the way in is called: small letters, digits and hyphens."),
        .required("stages", \.stages, "Its stages, from a source to exchanges, as below 'pipeline'.")
    )

    public func validate() -> [ConfigurationProblem] { BranchName.problems(name, key: "name") }
}

/// Makes the stage `entrances`, and says what it is.
public struct EntrancesFactory: StageFactory {
    public static let name = "entrances"
    public static let summary = "Has several ways in, each a list of stages of its own, which share what comes behind."
    public static let forms = [StageForm(.start, .exchange)]
    public static let needs: HostNeeds = .listening

    public init() {}

    public func problems(_ configuration: EntrancesConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        guard let outer = surroundings.before.last(where: { $0.name == Self.name }) else { return [] }
        return [ConfigurationProblem("'\(outer.name)' stands around it already", hint: "list all ways in there")]
    }

    public func make(_ configuration: EntrancesConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        EntrancesStage(ways: try PlanBranch<Start, Exchange>.all(of: context))
    }
}

struct EntrancesStage: BranchingStage {
    typealias Input = Start
    typealias Output = Exchange
    let ways: [PlanBranch<Start, Exchange>]

    var branches: [StageBranch] { ways.map(\.branch) }

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws {
        for way in ways { try way.assemble(downstream, on: shard) }
    }
}
