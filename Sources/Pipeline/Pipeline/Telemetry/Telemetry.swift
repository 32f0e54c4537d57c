public import Instruments
package import NIOCore
public import Platform
import Synchronization

/// What a running pipeline tells about itself: what its loops have counted, added up, and how its stages are. Readers hop to
/// every loop and back, so that what passes costs nothing for being readable.
public final class Telemetry: Sendable {
    private struct State {
        var shards: [(generation: Int, shard: NIOLoopBound<any MeteredLoop>)] = []
        /// What generations have counted that are no more.
        var past = MetricSnapshot()
        var stages: [RunningStage] = []
        var phase = Phase.starting
        var control: (any ProgramControl)?
    }

    /// How far the pipeline's life has got.
    public enum Phase: String, Sendable {
        /// Not all stages have started.
        case starting
        /// All stages have started, and exchanges are taken.
        case running
        /// Nothing new is taken; what is open may finish.
        case draining
    }

    private let state = Mutex(State())
    /// Seconds of the Unix epoch.
    public let started = WallTime.seconds
    /// What this process never dials for its clients.
    package let reserved: ReservedAddresses
    /// What this process has of descriptors, for those who need one and those who can do without some.
    package let descriptors: FileDescriptors
    /// What the pipeline's generations listen on.
    package let sockets = ListeningSockets()
    /// Where it is recorded what matters for security; nil where it isn't.
    package let audit: AuditLog?
    /// Has the pipeline's exchanges recorded as spans of traces; nil where nobody wants them.
    package let tracer: (any ExchangeTracer)?
    /// Where this process is reached; nil where nobody finds it out.
    package let ownAddress: OwnAddress?
    /// Where the pipeline's new clients go.
    package let commonLoop = CommonLoop()

    /// Telemetry of a pipeline that is starting, from now on.
    /// - Parameters:
    ///   - reserved: The process's reserved addresses, shared by its pipelines.
    ///   - descriptors: The process's file descriptors.
    public init(reserved: ReservedAddresses = ReservedAddresses(), descriptors: FileDescriptors = .process) {
        self.reserved = reserved
        self.descriptors = descriptors
        audit = nil
        tracer = nil
        ownAddress = nil
    }

    /// The same with a stream of what matters for security, and with traces.
    package init(
        reserved: ReservedAddresses = ReservedAddresses(), audit: AuditLog?, tracer: (any ExchangeTracer)? = nil,
        ownAddress: OwnAddress? = nil
    ) {
        self.reserved = reserved
        self.ownAddress = ownAddress
        self.audit = audit
        self.tracer = tracer
        descriptors = .process
    }

    // MARK: - For hosts

    /// A shard of a generation counts from now on.
    package func add(_ shard: some MeteredLoop, generation: Int) {
        let bound = NIOLoopBound<any MeteredLoop>(shard, eventLoop: shard.loop)
        state.withLock { $0.shards.append((generation, bound)) }
    }

    /// A generation has ended: what it counted is kept, and it isn't asked again.
    package func retire(generation: Int) async {
        let ended = state.withLock { state in
            defer { state.shards.removeAll { $0.generation == generation } }
            return state.shards.filter { $0.generation == generation }.map(\.shard)
        }
        let last = await Self.read(ended).reduce(into: MetricSnapshot()) { $0.add($1.metrics.lasting) }
        state.withLock { $0.past.add(last) }
    }

    /// The stages that run now, and what the pipeline is doing.
    package func enter(_ phase: Phase, stages: [RunningStage]? = nil) {
        state.withLock { state in
            state.phase = phase
            if let stages { state.stages = stages }
        }
    }

    /// Whoever runs the pipeline can be asked by those who operate it; nil when he no longer can.
    package func enter(control: (any ProgramControl)?) { state.withLock { $0.control = control } }

    // MARK: - For readers

    /// Whoever runs the pipeline; nil where it is part of another program.
    package var control: (any ProgramControl)? { state.withLock { $0.control } }

    /// How far the pipeline has got.
    public var phase: Phase { state.withLock { $0.phase } }
    /// The stages of the newest generation, in the order of the list; none before it runs.
    package var stages: [RunningStage] { state.withLock { $0.stages } }

    /// Every metric, those of the process included.
    public func snapshot() async -> MetricSnapshot {
        let (shards, past) = state.withLock { ($0.shards.map(\.shard), $0.past) }
        var snapshot = await Self.read(shards).reduce(into: MetricSnapshot()) { $0.add($1.metrics) }
        snapshot.add(past)
        if let control { snapshot.add(ProgramMetrics.read(control)) }
        if let tracer { snapshot.add(tracer.metrics) }
        snapshot.add(ProcessMetrics.read())
        return snapshot
    }

    /// Whether anybody uses the pipeline, in five numbers.
    public func activity() async -> Activity {
        let (shards, past) = state.withLock { ($0.shards.map(\.shard), $0.past) }
        let readings = await Self.read(shards)
        var snapshot = readings.reduce(into: MetricSnapshot()) { $0.add($1.metrics) }
        snapshot.add(past)
        return Activity(snapshot, lastActivity: readings.compactMap(\.lastActivity).max() ?? started)
    }

    /// How many loops don't answer in time. Asked on one of them, or on another.
    package func silentLoops(within patience: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Int> {
        let loops = state.withLock { $0.shards.map(\.shard.eventLoop) }
        let promise = loop.makePromise(of: Int.self)
        let silent = NIOLoopBoundBox(loops.count, eventLoop: loop)
        let timer = loop.assumeIsolated().scheduleTask(in: patience) { promise.succeed(silent.value) }
        let cancel = NIOLoopBound(timer, eventLoop: loop)
        if loops.isEmpty { promise.succeed(0) }
        for each in loops {
            each.execute {
                loop.execute {
                    silent.value -= 1
                    guard silent.value == 0 else { return }
                    cancel.value.cancel()
                    promise.succeed(0)
                }
            }
        }
        return promise.futureResult
    }

    /// Asks every loop that counts. All are asked before any is waited for; one that has ended has nothing to say.
    func ask<Answer: Sendable>(_ question: @escaping @Sendable (any MeteredLoop) -> Answer) async -> [Answer] {
        await Self.ask(state.withLock { $0.shards.map(\.shard) }, question)
    }

    private static func ask<Answer: Sendable>(
        _ shards: [NIOLoopBound<any MeteredLoop>], _ question: @escaping @Sendable (any MeteredLoop) -> Answer
    ) async -> [Answer] {
        let asked = shards.map { shard in shard.eventLoop.submit { question(shard.value) } }
        var answers: [Answer] = []
        for future in asked {
            if let answer = try? await future.get() { answers.append(answer) }
        }
        return answers
    }

    private struct Reading: Sendable {
        var metrics: MetricSnapshot
        var lastActivity: Int?
    }

    private static func read(_ shards: [NIOLoopBound<any MeteredLoop>]) async -> [Reading] {
        await ask(shards) { loop in
            // In this order: reading counts what open exchanges have moved.
            let metrics = loop.readMetrics()
            return Reading(metrics: metrics, lastActivity: loop.lastActivity)
        }
    }
}

/// Whether anybody uses a pipeline.
public struct Activity: Sendable, Equatable {
    /// Connections that are open at the source: clients on an agent, agents on a server.
    public var openConnections: Int
    /// Exchanges that are open, tunnels and WebSockets included.
    public var openExchanges: Int
    /// Body bytes both ways since the start, those of exchanges that are still open included.
    public var relayedBytes: Int64
    /// Exchanges since the start that failed.
    public var failures: Int64
    /// Agents since the start that said that they leave.
    public var goodbyes: Int64
    /// When an exchange last began, ended or moved bytes, in seconds of the Unix epoch; before the first, when the program
    /// started. Bytes of open exchanges are noticed when this is read: their time is at most that of the reading before.
    public var lastActivity: Int

    /// What is open and was last done, where nothing else counts.
    package init(openConnections: Int, openExchanges: Int, goodbyes: Int64 = 0, lastActivity: Int) {
        self.openConnections = openConnections
        self.openExchanges = openExchanges
        self.goodbyes = goodbyes
        self.lastActivity = lastActivity
        relayedBytes = 0
        failures = 0
    }

    init(_ snapshot: MetricSnapshot, lastActivity: Int) {
        openConnections = Int(snapshot.sum("fluidity_accept_connections_open"))
        openExchanges = Int(snapshot.sum("fluidity_exchanges_open"))
        relayedBytes = Int64(
            snapshot.sum("fluidity_exchange_request_bytes_total") + snapshot.sum("fluidity_exchange_response_bytes_total"))
        failures = Int64(snapshot.sum("fluidity_exchanges_ended_total", .init("outcome", "failed")))
        goodbyes = Int64(snapshot.sum("fluidity_frame_goodbyes_total"))
        self.lastActivity = lastActivity
    }
}
