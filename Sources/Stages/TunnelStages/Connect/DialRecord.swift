import Instruments
import Logging
import Pipeline
import Platform

/// What a dialer tells people of its connection: metrics, the log, and the stage's status.
struct DialRecord {
    private let up: Gauge
    let dials: Counter
    private let failures: Counter
    private let losses: Counter
    private let reconnects: Counter
    private let logger: Logger
    private var isUp = false
    private var wasUp = false
    private var downSince = WallTime.seconds
    private var reason = "not connected yet"

    init(_ shard: Shard) {
        let labels = shard.assembling?.labels ?? []
        up = shard.metrics.gauge(ConnectFactory.Metrics.up, labels)
        dials = shard.metrics.counter(ConnectFactory.Metrics.dials, labels)
        failures = shard.metrics.counter(ConnectFactory.Metrics.failures, labels)
        losses = shard.metrics.counter(ConnectFactory.Metrics.losses, labels)
        reconnects = shard.metrics.counter(ConnectFactory.Metrics.reconnects, labels)
        logger = shard.logger
    }

    func status(of place: String) -> OutboundStatus { isUp ? .up : .down(since: downSince, to: place, because: reason) }

    mutating func established(_ connection: Outbound?, to place: String, by way: Route) {
        guard !isUp else { return }
        isUp = true
        if wasUp { reconnects.add() }
        wasUp = true
        up.add(1)
        logger.notice(
            "tunnel is up",
            metadata: ["server": "\(place)", "identity": "\(connection?.identity?.description ?? "-")", "via": "\(way.text)"])
    }

    /// An attempt has led nowhere.
    func failed() { failures.add() }

    mutating func down(_ error: (any Error)?, at place: String) {
        let text = error.map { ConnectionFailure.words(for: $0) } ?? "the connection was lost"
        if isUp {
            downSince = WallTime.seconds
            losses.add()
            // Dialers of one loop share it.
            up.add(-1)
        }
        if isUp || text != reason {
            logger.warning("tunnel is down", metadata: ["server": "\(place)", "reason": "\(text)"])
        }
        isUp = false
        reason = text
    }
}
