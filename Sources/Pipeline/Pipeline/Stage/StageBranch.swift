/// A stage with its name in a list.
public struct ListedStage: Sendable {
    /// The name in the list, `rate-limit` say; empty where code gave none.
    public let name: String
    /// The stage itself.
    public let stage: any Stage

    /// A stage under a name, for logs, errors and the labels of metrics.
    public init(name: String, stage: any Stage) {
        self.name = name
        self.stage = stage
    }

    /// The lists that the stage has itself; none for most.
    package var branches: [StageBranch] { (stage as? any BranchingStage)?.branches ?? [] }

    /// How many places it takes: its own, and those of all stages in its branches.
    var places: Int { branches.reduce(1) { $0 + $1.places } }
}

/// A list of stages that another stage has: a branch of `route`, a way in of `entrances`.
public struct StageBranch: Sendable {
    /// What it is called; no other branch of the stage is called so.
    public let name: String
    /// Its stages, in the list's order.
    public let stages: [ListedStage]

    /// A list under a name.
    public init(name: String, stages: [ListedStage]) {
        self.name = name
        self.stages = stages
    }

    var places: Int { stages.reduce(0) { $0 + $1.places } }
}

/// A stage that has lists of stages of its own. Whoever runs the plan starts, drains, stops and asks the stages of its branches as it does
/// those of the main list: the stage itself does nothing about that, and puts their ports together (`PlanBranch`).
public protocol BranchingStage: Stage {
    /// The lists, in their order.
    var branches: [StageBranch] { get }
}
