import Instruments
import NIOCore
import Pipeline

/// One loop's connections that were accepted. Confined to the loop.
final class Acceptor {
    /// How many connections are given up at once.
    private static let portion = 16
    /// A client that has just connected, or was just answered, may have a request on its way.
    private static let grace = TimeAmount.seconds(1)

    let shard: Shard
    private let places: ConnectionPlaces
    private let port: any InboundPort
    private let idle: TimeAmount
    private let hasCongestionControl: Bool
    private var connections: [ObjectIdentifier: AcceptedConnection] = [:]
    private var isDraining = false
    private var drained: EventLoopPromise<Void>?
    private let accepted: Counter
    private let refused: Counter
    private let open: Gauge
    private let strangers: Gauge
    private let gaveWay: Counter

    init(port: any InboundPort, shard: Shard, configuration: AcceptConfiguration, places: ConnectionPlaces) {
        self.port = port
        self.shard = shard
        self.places = places
        idle = TimeAmount(configuration.idle)
        hasCongestionControl = configuration.congestionControl != nil
        let labels = shard.assembling?.labels ?? []
        accepted = shard.metrics.counter(AcceptFactory.Metrics.accepted, labels)
        refused = shard.metrics.counter(AcceptFactory.Metrics.refused, labels)
        open = shard.metrics.gauge(AcceptFactory.Metrics.open, labels)
        strangers = shard.metrics.gauge(AcceptFactory.Metrics.strangers, labels)
        gaveWay = shard.metrics.counter(AcceptFactory.Metrics.gaveWay, labels)
    }

    /// Whether connections are strangers' until a stage says that they are somebody's.
    var knowsStrangers: Bool { port.admits }

    /// Puts the pipeline's handlers on a new connection's channel.
    func accept(_ channel: any Channel, _ place: ListenerPlace) throws {
        let connection = Inbound(channel: channel, address: channel.remoteAddress)
        let watch = AcceptedConnection(connection, place, acceptor: self, idle: idle)
        if place.isStranger { strangers.add(1) }
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed(watch) }
        do {
            guard !isDraining else { throw ChannelError.ioOnClosedChannel }
            // Here and not by the bootstrap, which makes futures of each.
            if let options = channel.syncOptions {
                try options.setOption(.allowRemoteHalfClosure, value: true)
                try options.setOption(.maxMessagesPerRead, value: 4)
                try options.setOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 192 << 10))
            }
            connection.hasCongestionControl = hasCongestionControl
            try port.accept(connection)
            if !connection.notesActivity {
                try channel.pipeline.syncOperations.addHandler(IdleHandler(connection), position: .first)
            }
            opened(watch)
        } catch {
            refused.add()
            throw error
        }
    }

    private func opened(_ watch: AcceptedConnection) {
        accepted.add()
        open.add(1)
        shard.deadlines.add(watch)
        connections[ObjectIdentifier(watch)] = watch
    }

    private func closed(_ watch: AcceptedConnection) {
        shard.deadlines.remove(watch)
        if watch.isStranger { strangers.add(-1) }
        if let place = watch.closed() { places.leave(place) }
        guard connections.removeValue(forKey: ObjectIdentifier(watch)) != nil else { return }
        open.add(-1)
        if connections.isEmpty { drained?.succeed() }
    }

    /// Closes some connections on which nothing is open, for their descriptors: those unused longest.
    func relinquish(now: NIODeadline = .now()) {
        let unused = connections.values.compactMap { watch in
            watch.connection.unusedSince.flatMap { $0 + Self.grace <= now ? (since: $0, watch: watch) : nil }
        }
        for each in unused.sorted(by: { $0.since < $1.since }).prefix(Self.portion) { each.watch.channel.closeTransport() }
    }

    // MARK: - Strangers

    func admitted(_ id: ConnectionPlaces.Connections.StrangerID) {
        strangers.add(-1)
        places.admit(id)
    }

    func lingered(_ watch: AcceptedConnection, _ id: ConnectionPlaces.Connections.StrangerID) {
        places.linger(id, NIOLoopBound(watch, eventLoop: shard.loop))
    }

    func gaveWay(_ watch: AcceptedConnection) {
        strangers.add(-1)
        gaveWay.add()
    }

    // MARK: - Ending

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
