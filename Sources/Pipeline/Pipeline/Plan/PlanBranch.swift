/// A branch of a stage, put together: a plan whose head takes `Input` and whose end yields `Output`.
public struct PlanBranch<Input: Medium, Output: Medium>: Sendable {
    /// The list that it was made of, for `BranchingStage.branches`.
    public let branch: StageBranch
    private let segment: Segment<Input, Output>
    /// How far behind the stage that has the branch its first stage stands.
    private let offset: Int

    /// What it is called.
    public var name: String { branch.name }

    /// Puts together what a stage's context has: `try PlanBranch<Exchange, End>.all(of: context)`. Throws where a list doesn't begin or end
    /// with what it should, which the loader and the compiler have found before.
    public static func all(of context: StageContext) throws(PlanError) -> [PlanBranch] {
        var offset = 1
        var branches: [PlanBranch] = []
        for branch in context.branches {
            branches.append(PlanBranch(branch: branch, segment: try Segment(folding: branch.stages), offset: offset))
            offset += branch.places
        }
        return branches
    }

    /// Makes every stage's port for one event loop, and returns the first one's. To be called by the stage that has the branch while it is
    /// assembled itself, for all branches in their order.
    public func assemble(_ downstream: Output.Port, on shard: Shard) throws -> Input.Port {
        guard let owner = shard.assembling else { throw StageError(.configuration, "'\(name)' is assembled without its stage") }
        // What is assembled here is behind the owner, and not before what another branch begins with.
        let before = shard.followers
        shard.followers = []
        defer {
            shard.assembling = owner
            shard.followers = Output.kind == .end ? before + shard.followers : []
        }
        return try segment.close(
            downstream, shard, SegmentPlace(first: owner.index + offset, path: "\(owner.path).\(name)."))
    }
}
