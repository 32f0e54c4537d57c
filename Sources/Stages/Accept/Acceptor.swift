import NIOCore
import Pipeline

/// One loop's connections that were accepted. Confined to the loop.
final class Acceptor {
    /// How many connections are given up at once.
    private static let portion = 16
    /// A client that has just connected, or was just answered, may have a request on its way.
    private static let grace = TimeAmount.seconds(1)

    let shard: Shard
    private let port: any InboundPort
    private let idle: TimeAmount
    private let hasCongestionControl: Bool
    private var connections: [ObjectIdentifier: IdleWatch] = [:]
    private var isDraining = false
    private var drained: EventLoopPromise<Void>?
    private let accepted: Counter
    private let refused: Counter
    private let open: Gauge

    init(port: any InboundPort, shard: Shard, idle: TimeAmount, hasCongestionControl: Bool) {
        self.hasCongestionControl = hasCongestionControl
        self.port = port
        self.shard = shard
        self.idle = idle
        let labels = shard.assembling?.labels ?? []
        accepted = shard.metrics.counter(AcceptFactory.Metrics.accepted, labels)
        refused = shard.metrics.counter(AcceptFactory.Metrics.refused, labels)
        open = shard.metrics.gauge(AcceptFactory.Metrics.open, labels)
    }

    /// Puts the pipeline's handlers on a new connection's channel.
    func accept(_ channel: any Channel) throws {
        do {
            guard !isDraining else { throw ChannelError.ioOnClosedChannel }
            // Here and not by the bootstrap, which makes futures of each.
            if let options = channel.syncOptions {
                try options.setOption(.allowRemoteHalfClosure, value: true)
                try options.setOption(.maxMessagesPerRead, value: 4)
                try options.setOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 192 << 10))
            }
            let connection = Inbound(channel: channel, address: channel.remoteAddress)
            connection.hasCongestionControl = hasCongestionControl
            try port.accept(connection)
            if !connection.notesActivity {
                try channel.pipeline.syncOperations.addHandler(IdleHandler(connection), position: .first)
            }
            opened(connection)
        } catch {
            refused.add()
            throw error
        }
    }

    private func opened(_ connection: Inbound) {
        accepted.add()
        open.add(1)
        let watch = IdleWatch(connection, limit: idle, shard: shard)
        watch.start()
        connections[ObjectIdentifier(watch)] = watch
        connection.channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed(watch) }
    }

    private func closed(_ watch: IdleWatch) {
        watch.stop()
        guard connections.removeValue(forKey: ObjectIdentifier(watch)) != nil else { return }
        open.add(-1)
        if connections.isEmpty { drained?.succeed() }
    }

    /// Closes some connections on which nothing is open, for their descriptors: those unused longest.
    func relinquish(now: NIODeadline = .now()) {
        let unused = connections.values.compactMap { watch in
            watch.unusedSince.flatMap { $0 + Self.grace <= now ? (since: $0, watch: watch) : nil }
        }
        for each in unused.sorted(by: { $0.since < $1.since }).prefix(Self.portion) { each.watch.channel.closeTransport() }
    }

    /// Tells every connection to finish. The result comes when all are closed.
    func drain() -> EventLoopFuture<Void> {
        let promise = drained ?? shard.loop.makePromise(of: Void.self)
        drained = promise
        isDraining = true
        for watch in connections.values { watch.channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
        if connections.isEmpty { promise.succeed() }
        return promise.futureResult
    }

    func closeAll() {
        for watch in connections.values { watch.channel.closeTransport() }
    }
}

@available(*, unavailable)
extension Acceptor: Sendable {}
