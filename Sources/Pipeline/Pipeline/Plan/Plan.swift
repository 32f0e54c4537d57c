import NIOCore

/// A checked list of stages from a source to a sink, ready to run. A wrong order can't be expressed in it.
public struct Plan: Sendable {
    /// Every stage with its name, in the order of the list.
    public let stages: [NamedStage]
    private let assembly: @Sendable (Shard) throws -> Void

    /// A stage with its name in the list.
    public struct NamedStage: Sendable {
        /// The name in the list, `rate-limit` say; empty where code gave none.
        public let name: String
        /// The stage itself.
        public let stage: any Stage

        /// A stage under a name, for logs, errors and the labels of metrics.
        public init(name: String, stage: any Stage) {
            self.name = name
            self.stage = stage
        }

        /// What telemetry asks of it.
        package var running: RunningStage { RunningStage(name: name, status: stage.status) }
    }

    /// Starts a list in Swift code: `Plan.source(accept).then(http).sink(fetch)`.
    public static func source<Source: Stage<Start>>(_ stage: Source, named name: String = "") -> PartialPlan<Source.Output> {
        PartialPlan(stages: [NamedStage(name: name, stage: stage)]) { port, shard in
            shard.assembling = StagePlace(name: name, index: 0)
            _ = try stage.assemble(port, on: shard)
            shard.assembling = nil
        }
    }

    fileprivate init(stages: [NamedStage], assembly: @escaping @Sendable (Shard) throws -> Void) {
        self.stages = stages
        self.assembly = assembly
    }

    /// Folds a list of stages whose types are known only now into a plan. Each is accepted by one checked cast to "a stage
    /// that takes what the list so far yields"; from there the compiler knows the types.
    public init(folding list: [NamedStage]) throws(PlanError) {
        var partial: any AnyPartialPlan = PartialPlan<Start>(stages: []) { _, _ in }
        for (index, entry) in list.enumerated() {
            guard let next = partial.appending(erased: entry) else {
                throw PlanError(index: index, name: entry.name, yielded: partial.kind)
            }
            partial = next
        }
        guard let complete = partial as? PartialPlan<End> else {
            throw PlanError(index: list.count, name: "", yielded: partial.kind)
        }
        self = complete.plan()
    }

    /// Makes every stage's port for one event loop. Runs on that loop.
    public func assemble(on shard: Shard) throws {
        shard.loop.preconditionInEventLoop()
        try assembly(shard)
    }
}

/// Where a list of stages doesn't fit together. The loader finds this first and says more; this is the last check.
public struct PlanError: Error, Sendable, CustomStringConvertible {
    /// The place in the list, from 0, of the stage that doesn't fit; the length of the list where no sink ends it.
    public var index: Int
    /// The name of that stage; empty where no sink ends the list.
    public var name: String
    /// What the list up to there yields.
    public var yielded: MediumKind

    public var description: String {
        name.isEmpty
            ? "the list ends with \(yielded.plural), not with a sink"
            : "stage \(index + 1), '\(name)', doesn't take \(yielded.plural)"
    }
}

/// A list of stages that yields `Head` and wants a stage that takes it.
public struct PartialPlan<Head: Medium>: Sendable {
    fileprivate let stages: [Plan.NamedStage]
    /// Gives the list what comes after it, on one event loop.
    fileprivate let close: @Sendable (Head.Port, Shard) throws -> Void

    fileprivate init(stages: [Plan.NamedStage], close: @escaping @Sendable (Head.Port, Shard) throws -> Void) {
        self.stages = stages
        self.close = close
    }

    /// The list with one more stage, of which the compiler knows that it fits.
    public func then<Next: Stage<Head>>(_ stage: Next, named name: String = "") -> PartialPlan<Next.Output> {
        let place = StagePlace(name: name, index: stages.count)
        return PartialPlan<Next.Output>(stages: stages + [Plan.NamedStage(name: name, stage: stage)]) { [close] port, shard in
            shard.assembling = place
            let own = try stage.assemble(port, on: shard)
            shard.assembling = nil
            try close(Head.metered(own, on: shard, at: place), shard)
        }
    }

    /// The whole list: behind a sink nothing comes.
    public func sink<Sink: Stage<Head>>(_ stage: Sink, named name: String = "") -> Plan where Sink.Output == End {
        then(stage, named: name).plan()
    }
}

extension PartialPlan where Head == End {
    fileprivate func plan() -> Plan {
        Plan(stages: stages) { [close] shard in try close((), shard) }
    }
}

private protocol AnyPartialPlan {
    var kind: MediumKind { get }
    func appending(erased entry: Plan.NamedStage) -> (any AnyPartialPlan)?
}

extension PartialPlan: AnyPartialPlan {
    fileprivate var kind: MediumKind { Head.kind }

    fileprivate func appending(erased entry: Plan.NamedStage) -> (any AnyPartialPlan)? {
        guard let stage = entry.stage as? any Stage<Head> else { return nil }
        return append(stage, named: entry.name)
    }

    private func append(_ stage: some Stage<Head>, named name: String) -> any AnyPartialPlan {
        then(stage, named: name)
    }
}
