import NIOCore

/// A checked list of stages from a source to a sink, ready to run. A wrong order can't be expressed in it.
public struct Plan: Sendable {
    /// Every stage with its name, in the order of the list; behind a stage that has branches, those of its branches.
    public let stages: [NamedStage]
    /// Where each of them stands.
    package let places: [StagePlace]
    private let assembly: @Sendable (Shard) throws -> Void

    /// A stage with its name in the list.
    public typealias NamedStage = ListedStage

    /// What telemetry asks of the stages.
    package var running: [RunningStage] {
        zip(stages, places).map { entry, place in
            RunningStage(place: place, status: entry.stage.status, outlook: entry.stage.outlook)
        }
    }

    /// Starts a list in Swift code: `Plan.source(accept).then(http).sink(fetch)`.
    public static func source<Source: Stage<Start>>(_ stage: Source, named name: String = "") -> PartialPlan<Source.Output> {
        PartialPlan(segment: Segment<Start, Start>().then(stage, named: name))
    }

    fileprivate init(_ segment: Segment<Start, End>) {
        var stages: [NamedStage] = []
        var places: [StagePlace] = []
        func add(_ list: [NamedStage], below path: String) {
            for (number, entry) in list.enumerated() {
                let place = StagePlace(name: entry.name, index: places.count, path: "\(path)\(number + 1)")
                stages.append(entry)
                places.append(place)
                for branch in entry.branches { add(branch.stages, below: "\(place.path).\(branch.name).") }
            }
        }
        add(segment.stages, below: "")
        self.stages = stages
        self.places = places
        assembly = { shard in try segment.close((), shard, SegmentPlace()) }
    }

    /// Folds a list of stages whose types are known only now into a plan. Each is accepted by one checked cast to "a stage
    /// that takes what the list so far yields"; from there the compiler knows the types.
    public init(folding list: [NamedStage]) throws(PlanError) {
        self.init(try Segment<Start, End>(folding: list))
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
    fileprivate let segment: Segment<Start, Head>

    /// The list with one more stage, of which the compiler knows that it fits.
    public func then<Next: Stage<Head>>(_ stage: Next, named name: String = "") -> PartialPlan<Next.Output> {
        PartialPlan<Next.Output>(segment: segment.then(stage, named: name))
    }

    /// The whole list: behind a sink nothing comes.
    public func sink<Sink: Stage<Head>>(_ stage: Sink, named name: String = "") -> Plan where Sink.Output == End {
        Plan(segment.then(stage, named: name))
    }
}
