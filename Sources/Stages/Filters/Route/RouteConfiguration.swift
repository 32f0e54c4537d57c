public import ConfigurationLanguage
public import Pipeline
import Platform

/// What `route` can be told.
public struct RouteConfiguration: StageConfiguration, BranchingConfiguration {
    /// The branches, of which the first that is for an exchange takes it.
    public var branches: [RouteBranch] = []
    /// Whether an exchange that no branch is for is refused, or goes by the last one.
    public var mode = RefusalMode.enforce

    public init() {}

    public static let schema = Schema<RouteConfiguration>(
        .required(
            "branches", \.branches,
            "The branches, the first whose conditions hold takes the exchange. What none takes is answered with 403."),
        .optional(
            "mode", \.mode,
            "'enforce' refuses what no branch is for; 'observe' counts it and lets it go by the last branch, to see what the conditions do before they count."
        )
    )

    public var branchLists: [ConfiguredBranch] { branches.map { ConfiguredBranch(name: $0.name, stages: $0.stages) } }

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        for (index, branch) in branches.enumerated() {
            let path = "branches.branches[\(index + 1)]"
            if let other = branches[..<index].firstIndex(where: { $0.name == branch.name }) {
                problems.append(
                    ConfigurationProblem(
                        "branch \(other + 1) is called '\(branch.name)' as well", key: "\(path).name",
                        hint: "logs and metrics know branches by their names"))
            }
            if let first = branches[..<index].first(where: { $0.when.cover(branch.when) }) {
                problems.append(
                    .warning(
                        "no exchange can come to '\(branch.name)': '\(first.name)' before it takes all that it is for",
                        key: "\(path).name",
                        hint: branch.when.cover(first.when)
                            ? "both are for the same: one of them needs other conditions, or can go"
                            : "put it before '\(first.name)'"))
            }
        }
        return branches.isEmpty ? [ConfigurationProblem("'route' needs a branch", key: "branches")] : problems
    }
}

/// One way that exchanges can go.
public struct RouteBranch: NestedConfiguration {
    /// What it is called in logs, metrics and tests.
    public var name = ""
    /// Which exchanges it takes; all, where nothing is given.
    public var when = ExchangeConditions()
    /// What becomes of them.
    public var stages = NestedStages<Exchange, End>()
    /// Where it stands in its file; nil for one made in code.
    public internal(set) var place: RulePlace?

    public init() {}

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> RouteBranch? {
        var branch = decodeMapping(node, in: context, noun: context.label)
        branch?.place = RulePlace(node, in: context)
        if branch == nil { BranchName.report(nameOf: node, in: context) }
        return branch
    }

    /// A branch in Swift code. Its list begins with what takes exchanges, and ends with a sink.
    ///
    ///     RouteBranch("intranet", when: .init(hosts: ["*.corp.example"])) { Step.fetch() }
    public init(
        _ name: String, when: ExchangeConditions = ExchangeConditions(),
        @BranchBuilder<Exchange> _ steps: () -> BranchSteps<End>
    ) {
        self.name = name
        self.when = when
        stages = NestedStages(steps)
    }

    public static let schema = Schema<RouteBranch>(
        .required("name", \.name, "What the branch is called in logs, metrics and tests: small letters, digits and hyphens."),
        .optional(
            "when", \.when,
            "Which exchanges it takes: all conditions must hold, and of each any entry. Without any it takes all that come to it."),
        .required("stages", \.stages, "Its stages, from exchanges to a sink, as below 'pipeline'.")
    )

    public func validate() -> [ConfigurationProblem] { BranchName.problems(name, key: "name") }
}
