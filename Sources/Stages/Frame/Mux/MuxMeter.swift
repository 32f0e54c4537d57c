import NIOCore
import Pipeline

/// What is counted of the sessions of one loop. What they hold is added up when it is asked for.
final class MuxMeter<End: MuxEnd> {
    private let sessions: Counter
    private let streams: Counter
    private let resets: Counter
    private let roundTrip: Histogram
    private var handlers: [ObjectIdentifier: MuxHandler<End>] = [:]

    init(on shard: Shard) {
        let labels = shard.assembling?.labels ?? []
        let table = shard.metrics
        let openSessions = table.gauge("fluidity_mux_sessions_open", "Sessions that are open.", labels)
        sessions = table.counter("fluidity_mux_sessions_total", "Sessions.", labels)
        streams = table.counter("fluidity_mux_streams_total", "Streams.", labels)
        resets = table.counter("fluidity_mux_resets_total", "Streams that the peer ended before their end.", labels)
        roundTrip = table.histogram(
            "fluidity_mux_ping_seconds", "How long peers took to answer a PING.", labels,
            bounds: StageTimes.bounds, scale: 1e-9)
        let openStreams = table.gauge("fluidity_mux_streams_open", "Streams that are open.", labels)
        let window = table.gauge("fluidity_mux_send_window_bytes", "What sessions may send before the peer grants more.", labels)
        let queued = table.gauge("fluidity_mux_queued_bytes", "What waits to be sent.", labels)
        let held = table.gauge("fluidity_mux_held_bytes", "What came and is not yet passed on.", labels)
        table.beforeReading { [weak self] in
            let sessions = self?.handlers.values.map(\.session) ?? []
            openSessions.value = Int64(sessions.count)
            openStreams.value = Int64(sessions.reduce(0) { $0 + $1.openStreams })
            window.value = Int64(sessions.reduce(0) { $0 + $1.sendWindow })
            queued.value = Int64(sessions.reduce(0) { $0 + $1.queuedBytes })
            held.value = Int64(sessions.reduce(0) { $0 + $1.received })
        }
    }

    func opened(_ handler: MuxHandler<End>) {
        sessions.add()
        handlers[ObjectIdentifier(handler)] = handler
    }

    func closed(_ handler: MuxHandler<End>) { handlers[ObjectIdentifier(handler)] = nil }

    func streamOpened() { streams.add() }
    func streamReset() { resets.add() }
    func measured(_ time: TimeAmount) { roundTrip.record(time.nanoseconds) }
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
