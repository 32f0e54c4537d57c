/// Where a list of stages stands in its plan.
struct SegmentPlace {
    /// The place of its first stage, from 0.
    var first = 0
    /// What stands before the numbers of its stages: `3.home.` in a branch, nothing in the main list.
    var path = ""
}

/// A list of stages that takes `Input` and yields `Output`: a whole plan, a branch of one, or a part of either that wants more.
struct Segment<Input: Medium, Output: Medium>: Sendable {
    /// The stages of this list, without those of their branches.
    let stages: [ListedStage]
    /// Gives the list what comes after it, on one event loop, and returns what it offers to what comes before.
    let close: @Sendable (Output.Port, Shard, SegmentPlace) throws -> Input.Port

    /// The list with one more stage, of which the compiler knows that it fits.
    func then<Next: Stage<Output>>(_ stage: Next, named name: String) -> Segment<Input, Next.Output> {
        let offset = stages.reduce(0) { $0 + $1.places }
        let number = stages.count + 1
        return Segment<Input, Next.Output>(stages: stages + [ListedStage(name: name, stage: stage)]) {
            [close] port, shard, segment in
            let place = StagePlace(name: name, index: segment.first + offset, path: "\(segment.path)\(number)")
            shard.assembling = place
            let own = try stage.assemble(port, on: shard)
            shard.assembling = nil
            return try close(Output.metered(own, on: shard, at: place), shard, segment)
        }
    }
}

extension Segment where Output == Input {
    /// A list without stages.
    init() {
        stages = []
        close = { port, _, _ in port }
    }
}

extension Segment {
    /// Folds a list of stages whose types are known only now.
    init(folding list: [ListedStage]) throws(PlanError) {
        var partial: any AnySegment = Segment<Input, Input>()
        for (index, entry) in list.enumerated() {
            guard let next = partial.appending(erased: entry) else {
                throw PlanError(index: index, name: entry.name, yielded: partial.kind)
            }
            partial = next
        }
        guard let complete = partial as? Segment<Input, Output> else {
            throw PlanError(index: list.count, name: "", yielded: partial.kind)
        }
        self = complete
    }
}

private protocol AnySegment {
    var kind: MediumKind { get }
    func appending(erased entry: ListedStage) -> (any AnySegment)?
}

extension Segment: AnySegment {
    fileprivate var kind: MediumKind { Output.kind }

    fileprivate func appending(erased entry: ListedStage) -> (any AnySegment)? {
        guard let stage = entry.stage as? any Stage<Output> else { return nil }
        return append(stage, named: entry.name)
    }

    private func append(_ stage: some Stage<Output>, named name: String) -> any AnySegment { then(stage, named: name) }
}
