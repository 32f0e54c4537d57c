import Instruments
public import Logging
public import Metrics
import NIOCore
import NIOPosix
import OpenTelemetry
public import Pipeline
import Runtime
import Synchronization
public import Tracing

/// An agent, a server or any other pipeline inside another program.
///
///     let pipeline = EmbeddedPipeline(plan, logger: logger)
///     try await pipeline.start()
///     …
///     await pipeline.stop()
///
/// The program's signals are its own: whoever embeds a pipeline decides when it ends. What a pipeline counts is in `telemetry`, and
/// is published through swift-metrics if the program has bootstrapped that.
public final class EmbeddedPipeline: Sendable {
    /// How far its life has got.
    public enum Status: String, Sendable {
        /// Not started yet.
        case idle
        /// Its stages are being made and started.
        case starting
        /// It takes what comes.
        case running
        /// It takes nothing new, and what is open may finish.
        case draining
        /// It is over, or couldn't be started; it can't be started again.
        case stopped
    }

    private struct State {
        var status = Status.idle
        var generation: Generation?
        var group: MultiThreadedEventLoopGroup?
        /// Ends, when it is cancelled, once the last values are published.
        var publishing: Task<Void, Never>?
    }

    private let plan: Plan
    private let logger: Logger
    private let eventLoops: Int
    private let drain: Duration
    private let bridge: MetricsBridge?
    private let metricsInterval: Duration
    private let state = Mutex(State())
    /// What the pipeline counts.
    public let telemetry: Telemetry

    /// - Parameters:
    ///   - plan: Put together in code, or `LoadedConfiguration.plan`.
    ///   - eventLoops: Threads of the pipeline's own; one for each core by default.
    ///   - drain: How long `stop` lets what is open finish.
    ///   - metrics: Where what it counts is published: by default where the program's other metrics go, which is nowhere as long
    ///     as it hasn't bootstrapped `MetricsSystem`.
    ///   - metricsLabels: Added to every series, to tell several pipelines of one program apart.
    ///   - tracer: What gets a span for each exchange, and one within for each thing that it waits for; nil for nothing. It continues the
    ///     trace that a request tells of, and tells those after it. It is asked on event loops, so it mustn't wait for anything.
    ///   - metricsInterval: How often it publishes; once more when it has stopped, so that nothing is missing.
    public init(
        _ plan: Plan, logger: Logger, eventLoops: Int? = nil, drain: Duration = .seconds(30),
        metrics: (any MetricsFactory)? = nil, metricsLabels: KeyValuePairs<String, String> = [:],
        metricsInterval: Duration = .seconds(10), tracer: (any Tracer)? = nil
    ) {
        let telemetry = Telemetry(audit: nil, tracer: tracer.map { TracerBridge($0) })
        let labels = metricsLabels.map { MetricTable.Label($0.key, $0.value) }
        self.telemetry = telemetry
        self.bridge =
            metrics.map { MetricsBridge(telemetry, to: $0, labels: labels) } ?? MetricsBridge(telemetry, labels: labels)
        self.metricsInterval = metricsInterval
        self.plan = plan
        self.logger = logger
        self.eventLoops = max(1, eventLoops ?? System.coreCount)
        self.drain = drain
    }

    /// How far the pipeline's life has got; it can be asked on any thread.
    public var status: Status { state.withLock { $0.status } }

    /// Returns when the pipeline works: when it listens, where it listens. Throws what keeps it from that. A pipeline starts once.
    public func start() async throws {
        let mayStart = state.withLock { state in
            guard state.status == .idle else { return false }
            state.status = .starting
            return true
        }
        guard mayStart else { throw StageError(.unavailable, "a pipeline can be started once") }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops)
        let generation = Generation(
            plan: plan, group: group, logger: logger, exchangeLog: ExchangeLogger.make(logger), telemetry: telemetry)
        do {
            try await generation.start()
        } catch {
            state.withLock { $0.status = .stopped }
            try? await group.shutdownGracefully()
            throw error
        }
        state.withLock { state in
            state.status = .running
            state.generation = generation
            state.group = group
            state.publishing = bridge.map { [metricsInterval] bridge in Task { await bridge.run(every: metricsInterval) } }
        }
    }

    /// Takes nothing new, lets what is open finish as long as `drain` allows, and ends. True if all of it had finished.
    @discardableResult
    public func stop() async -> Bool {
        let running = state.withLock { state -> (Generation, MultiThreadedEventLoopGroup, Task<Void, Never>?)? in
            guard state.status == .running, let generation = state.generation, let group = state.group else { return nil }
            state.status = .draining
            defer { (state.generation, state.group, state.publishing) = (nil, nil, nil) }
            return (generation, group, state.publishing)
        }
        guard let (generation, group, publishing) = running else { return true }
        telemetry.enter(.draining)
        let isDone = await generation.drain(within: drain)
        await generation.stop()
        await telemetry.retire(generation: 1)
        publishing?.cancel()
        await publishing?.value
        try? await group.shutdownGracefully()
        state.withLock { $0.status = .stopped }
        return isDone
    }
}
