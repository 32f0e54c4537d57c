import Instruments
import NIOCore
import Pipeline

/// What is counted of the sessions of one loop. What they hold is added up when it is asked for.
final class MuxMeter {
    private let sessions: Counter
    private let streams: Counter
    private let resets: [MuxResetCause: Counter]
    private let roundTrip: Histogram
    /// Of peers that open streams.
    let goodbyes: Counter
    /// Of sessions that lose their connections.
    let resumption: ResumptionMeter
    private(set) var shortestRoundTrip: TimeAmount?
    private var handlers: [ObjectIdentifier: MuxHandler] = [:]
    private let book: SessionBook

    init(on shard: Shard) {
        let labels = shard.assembling?.labels ?? []
        let table = shard.metrics
        book = shard.sessions
        let named = labels + [.init("codec", FrameCodec.mux.rawValue)]
        let openSessions = table.gauge(FrameMetrics.sessionsOpen, named)
        sessions = table.counter(FrameMetrics.sessions, named)
        goodbyes = table.counter(FrameMetrics.goodbyes, labels)
        streams = table.counter(FrameMetrics.streams, named)
        resets = Dictionary(
            uniqueKeysWithValues: MuxResetCause.allCases.map {
                ($0, table.counter(FrameMetrics.resets, named + [.init("cause", $0.rawValue)]))
            })
        roundTrip = table.histogram(
            FrameMetrics.roundTrip, labels,
            bounds: StageTimes.bounds, scale: 1e-9)
        let openStreams = table.gauge(FrameMetrics.streamsOpen, named)
        let window = table.gauge(FrameMetrics.window, labels)
        let queued = table.gauge(FrameMetrics.queued, labels)
        let held = table.gauge(FrameMetrics.held, labels)
        resumption = ResumptionMeter(table, labels)
        let detached = table.gauge(FrameMetrics.detachedNow, labels)
        let kept = table.gauge(FrameMetrics.kept, labels)
        table.beforeReading { [weak self] in
            let resumables = self?.handlers.values.compactMap(\.resumable) ?? []
            detached.value = Int64(resumables.count { $0.detached != nil })
            kept.value = Int64(resumables.reduce(0) { $0 + $1.send.kept })
            let sessions = self?.handlers.values.map(\.session) ?? []
            openSessions.value = Int64(sessions.count) - detached.value
            openStreams.value = Int64(sessions.reduce(0) { $0 + $1.openStreams })
            window.value = Int64(sessions.reduce(0) { $0 + $1.sending.window })
            queued.value = Int64(sessions.reduce(0) { $0 + $1.queuedBytes })
            held.value = Int64(sessions.reduce(0) { $0 + $1.received })
        }
    }

    func opened(_ handler: MuxHandler) {
        sessions.add()
        handlers[ObjectIdentifier(handler)] = handler
        book.opened(handler)
    }

    func closed(_ handler: MuxHandler) {
        handlers[ObjectIdentifier(handler)] = nil
        book.closed(handler)
    }

    func streamOpened() { streams.add() }
    func streamReset(_ cause: MuxResetCause) { resets[cause]?.add() }
    func measured(_ time: TimeAmount) {
        roundTrip.record(time.nanoseconds)
        shortestRoundTrip = min(shortestRoundTrip ?? time, time)
    }
}

@available(*, unavailable)
extension MuxMeter: Sendable {}

/// Bounds for times on a network, in nanoseconds.
enum StageTimes {
    static let bounds: [Int64] = [
        100_000, 250_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000,
        500_000_000, 1_000_000_000, 2_500_000_000,
    ]
}
