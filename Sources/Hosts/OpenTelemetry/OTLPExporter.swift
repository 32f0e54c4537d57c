package import Logging
package import Pipeline
import Platform
import Synchronization

/// Sends a pipeline's traces, and its metrics where that is wanted, to a collector, in tasks of its own. A collector that is away, late or worse
/// costs traces, which are counted, and nothing else.
package final class OTLPExporter: Sendable {
    /// How often it is looked whether something waits: less often than that what may wait is filled.
    private static let interval = Duration.milliseconds(250)
    /// How often a batch is sent that the collector doesn't take.
    private static let attempts = 5
    /// How often it is told at most that the collector takes nothing, in seconds.
    private static let reminder = 60
    /// What closing gets in any case.
    private static let leastTime = Duration.milliseconds(200)

    private struct State {
        /// What was taken from the recorder and not sent yet.
        var pending: [RecordedExchange] = []
        var tasks: [Task<Void, Never>] = []
        var lastWarning = 0
    }

    private let recorder: TraceRecorder
    private let collector: OTLPCollector
    private let resource: OTLPResource
    private let metricsInterval: Duration?
    private let logger: Logger
    private let state = Mutex(State())

    /// Nil where the settings name no collector. Nothing is sent before `start`.
    package init?(_ settings: OTLPSettings, host: HostKind, logger: Logger) {
        guard let url = settings.to else { return nil }
        recorder = TraceRecorder(ratio: settings.ratio, begins: settings.begin)
        collector = OTLPCollector(url, fields: settings.fields)
        resource = OTLPResource(service: settings.service, host: host)
        metricsInterval = settings.metrics
        self.logger = logger
    }

    /// What records the pipeline's exchanges.
    package var tracer: any ExchangeTracer { recorder }

    /// Sends from now on what the pipeline tells.
    package func start(_ telemetry: Telemetry) {
        var tasks = [Task { await sendTraces() }]
        if let metricsInterval { tasks.append(Task { await sendMetrics(of: telemetry, every: metricsInterval) }) }
        state.withLock { $0.tasks = tasks }
    }

    /// Sends what waits, once, as far as that is done in time, and ends: both in about the limit, and a moment for what has to be closed.
    package func finish(_ telemetry: Telemetry, within limit: Duration) async {
        let began = ContinuousClock.now
        let tasks = state.withLock { state in
            defer { state.tasks = [] }
            return state.tasks
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        if !tasks.isEmpty {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.sendLast(telemetry) }
                group.addTask { try? await Task.sleep(for: limit) }
                await group.next()
                group.cancelAll()
            }
            giveUp()
            while case let rest = recorder.take(), !rest.isEmpty { recorder.gaveUp(rest.count) }
        }
        await collector.close(within: max(limit - (.now - began), Self.leastTime))
    }

    private func sendLast(_ telemetry: Telemetry) async {
        if metricsInterval != nil { _ = await send(await telemetry.snapshot(), of: telemetry) }
        while !Task.isCancelled, prepare() {
            guard case .taken = await sendPending() else { return }
        }
    }

    // MARK: - Traces

    private func sendTraces() async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            while !Task.isCancelled, prepare() { await sendBatch() }
        }
    }

    /// Whether there is something to send.
    private func prepare() -> Bool {
        state.withLock { state in
            if state.pending.isEmpty { state.pending = recorder.take() }
            return !state.pending.isEmpty
        }
    }

    private func sendBatch() async {
        var pause = Duration.seconds(1)
        for attempt in 1...Self.attempts {
            switch await sendPending() {
            case .taken: return
            case .never: return giveUp()
            case .later where attempt == Self.attempts: return giveUp()
            case .later(_, let after):
                // The queue fills meanwhile, and what is too much is left out.
                try? await Task.sleep(for: max(pause, after ?? .zero))
                guard !Task.isCancelled else { return }
                pause *= 2
            }
        }
    }

    private func sendPending() async -> OTLPCollector.Outcome {
        let batch = state.withLock { $0.pending }
        let outcome = await collector.send(OTLPTraces.body(batch, from: resource), to: "/v1/traces")
        if case .taken(let rejected) = outcome {
            state.withLock { $0.pending = [] }
            // Which exchanges' spans they are isn't said; so many at most.
            let lost = min(rejected, batch.count)
            recorder.exported(batch.count - lost)
            if lost > 0 {
                recorder.gaveUp(lost)
                warn(outcome)
            }
        } else if !Task.isCancelled {
            warn(outcome)
        }
        return outcome
    }

    private func giveUp() {
        let lost = state.withLock { state in
            defer { state.pending = [] }
            return state.pending.count
        }
        if lost > 0 { recorder.gaveUp(lost) }
    }

    // MARK: - Metrics

    private func sendMetrics(of telemetry: Telemetry, every interval: Duration) async {
        while (try? await Task.sleep(for: interval)) != nil {
            let outcome = await send(await telemetry.snapshot(), of: telemetry)
            if !Task.isCancelled { warn(outcome) }
        }
    }

    private func send(_ snapshot: MetricSnapshot, of telemetry: Telemetry) async -> OTLPCollector.Outcome {
        let body = OTLPMetrics.body(snapshot, started: telemetry.started, now: WallTime.seconds, from: resource)
        return await collector.send(body, to: "/v1/metrics")
    }

    /// Now and then, however much is lost.
    private func warn(_ outcome: OTLPCollector.Outcome) {
        let reason: String
        switch outcome {
        case .taken(let rejected) where rejected == 0: return
        case .taken(let rejected): reason = "it has rejected \(rejected) of what it was sent"
        case .later(let why, _), .never(let why): reason = why
        }
        recorder.failed()
        let now = WallTime.seconds
        let isTold = state.withLock { state in
            guard now - state.lastWarning >= Self.reminder else { return true }
            state.lastWarning = now
            return false
        }
        guard !isTold else { return }
        logger.warning(
            "the collector takes nothing, or not all; traces that wait too long are left out", metadata: ["reason": "\(reason)"])
    }
}
