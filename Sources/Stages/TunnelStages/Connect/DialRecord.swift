import Instruments
import Logging
import NIOCore
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
    private let tunnel: TunnelRecord
    private var isUp = false
    private var wasUp = false
    private var downSince = WallTime.seconds
    private var reason = "not connected yet"
    /// What the server was called when the connection came.
    private var place = ""

    /// - Parameter tunnel: That of all dialers of the stage.
    init(_ shard: Shard, _ tunnel: TunnelRecord) {
        self.tunnel = tunnel
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
        self.place = place
        up.add(1)
        var metadata: Logger.Metadata = [
            "server": "\(place)", "identity": "\(connection?.identity?.description ?? "-")", "via": "\(way.text)",
        ]
        // Of a name people want to know which of its addresses it is.
        if way == .direct, let address = connection?.channel.remoteAddress { metadata["address"] = "\(address.shortDescription)" }
        logger.log(level: tunnel.came(to: place) ? .notice : .debug, "tunnel is up", metadata: metadata)
    }

    /// An attempt has led nowhere.
    func failed() { failures.add() }

    mutating func down(_ error: (any Error)?, at place: String) {
        let text = error.map { ConnectionFailure.words(for: $0) } ?? "the connection was lost"
        let place = isUp ? self.place : place
        if isUp { losses.add() }
        let isNews = isUp ? tunnel.went(from: place, because: text) : tunnel.isNews(text, of: place)
        gone(because: text)
        logger.log(
            level: isNews ? .warning : .debug, "tunnel is down", metadata: ["server": "\(place)", "reason": "\(text)"])
    }

    /// Nobody needed the connection.
    mutating func rested(because reason: String) {
        let isLast = tunnel.went(from: place, because: reason)
        gone(because: reason)
        logger.log(level: isLast ? .notice : .debug, "tunnel rests", metadata: ["server": "\(place)", "reason": "\(reason)"])
    }

    private mutating func gone(because reason: String) {
        if isUp {
            downSince = WallTime.seconds
            // Dialers of one loop share it.
            up.add(-1)
        }
        isUp = false
        self.reason = reason
    }
}
