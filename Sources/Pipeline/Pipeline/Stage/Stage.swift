/// One entry of a pipeline at work: a value made from a checked configuration, one for each generation of a plan.
///
/// A stage is assembled once for each event loop, on that loop. The ports that it makes stay on the loop and need no locks.
/// Life cycle: `assemble` on every loop, then `start` from the last stage to the first, then `drain` from the first to the
/// last, then `stop` from the first to the last.
public protocol Stage<Input>: Sendable {
    /// What the stage takes; `Start` for a source.
    associatedtype Input: Medium
    /// What the stage yields; `End` for a sink.
    associatedtype Output: Medium

    /// Makes this stage's port for one event loop, given the port of the stage after it. Runs on the shard's loop.
    func assemble(_ downstream: Output.Port, on shard: Shard) throws -> Input.Port

    /// Takes what only one can have, a port say, and does nothing with it yet. Called when every loop is assembled and before any
    /// stage starts, so that a pipeline that can't have it has done nothing. Throws what keeps the pipeline from starting.
    func claim() async throws

    /// Begins work: accepts, dials. Throws what keeps the pipeline from starting.
    func start() async throws

    /// Takes nothing new and returns when what is open has ended. Cancelled when the time for it is over.
    func drain() async

    /// Ends what is still open, at once.
    func stop() async

    /// How the stage is: whether it can do its work. Asked from time to time, never for an exchange.
    func status() async -> StageStatus

    /// What the stage would do with an exchange as things are, beside what its configuration says. Asked by people, never for an exchange.
    func outlook(for prospect: ExchangeProspect) async -> StageOutlook

    /// Closes files that are written to, and opens them anew under their names: somebody has moved them away.
    func reopenFiles() async
}

extension Stage {
    public func claim() async throws {}
    public func start() async throws {}
    public func drain() async {}
    public func stop() async {}
    public func status() async -> StageStatus { .ready }
    public func reopenFiles() async {}

    public func outlook(for prospect: ExchangeProspect) async -> StageOutlook {
        let status = await status()
        return StageOutlook(refusal: status.problem, details: status.details)
    }
}
