import ConfigurationLanguage
import HTTPMessages
import Logging
import NIOCore
import Pipeline

/// Spreads the exchanges of a loop over connections to a server: over one, as long as that carries what it could, and over several where the
/// way loses packets and one of the two ends sends slower for each that is lost. Each has a session of its own. docs/decisions has what
/// was measured.
final class MuxSpreadPort: TunnelClient {
    /// How often it is looked at whether the way is long, until that is known.
    private static let first = TimeAmount.milliseconds(50)
    /// And how often at what is lost, at least and at most.
    private static let often = TimeAmount.milliseconds(100)
    private static let seldom = TimeAmount.seconds(2)

    private let shard: Shard
    private let main: MuxClientPort
    private var others: [MuxClientPort] = []
    private var siblings: [any OutboundPort] = []
    private let connections: ConnectionCount
    private var isSpread = false
    private var isFar = false
    private var watch: LossWatch?
    private var look: Scheduled<Void>?
    private var pause = MuxSpreadPort.first

    /// - Parameter make: A port to a connection; with the meter of another one, it is counted there.
    init(downstream: any OutboundPort, shard: Shard, _ make: (any OutboundPort, MuxMeter?) -> MuxClientPort) {
        self.shard = shard
        connections = downstream.connections
        main = make(downstream, nil)
        while let sibling = downstream.sibling() {
            let port = make(sibling, main.meter)
            sibling.attach(port)
            siblings.append(sibling)
            others.append(port)
        }
    }

    // MARK: - Exchanges

    var offers: BodyCapabilities { main.offers }

    func open(_ exchange: Exchange) {
        // Another generation's connection may have ended that they had gone to.
        if isFar { shard.telemetry.commonLoop.gather(on: shard.loop) }
        guard isSpread, let place = MuxSpread.choose([main.load] + others.map(\.load)), place > 0 else {
            return main.open(exchange)
        }
        others[place - 1].open(exchange)
    }

    var openStreams: Int { others.reduce(main.openStreams) { $0 + $1.openStreams } }
    var queues: [TunnelQueue] { ([main] + others).map(\.queue) }

    // MARK: - The first connection

    var protocols: [String] { main.protocols }

    func configure(_ connection: Outbound) throws { try main.configure(connection) }

    func ready(_ connection: Outbound) {
        main.ready(connection)
        pause = Self.first
        lookLater()
    }

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        main.lost(connection, because: error)
        guard main.current == nil else { return }
        isFar = false
        shard.telemetry.commonLoop.disperse(from: shard.loop)
        watch = nil
        look?.cancel()
    }

    func roomFreed() { main.roomFreed() }

    var detour: HostPort? { main.detour }

    // MARK: - The way

    private func lookLater() {
        look?.cancel()
        look = shard.loop.assumeIsolated().scheduleTask(in: pause) { [weak self] in self?.lookAtTheWay() }
    }

    private func lookAtTheWay() {
        guard let (connection, handler) = main.current, let roundTrip = handler.session.liveness.shortestRoundTrip else {
            // It is being established, or was lost: then another will be ready.
            if main.isAttempting { lookLater() }
            return
        }
        if roundTrip >= DistantConnection.roundTrip {
            isFar = true
            shard.telemetry.commonLoop.gather(on: shard.loop)
        }
        if case .exactly = connections { return spread() }
        guard isFar, !isSpread, !others.isEmpty else { return }
        pause = min(max(pause * 2, Self.often), Self.seldom)
        // What other loops have left to do ends with their clients.
        guard shard.telemetry.commonLoop.loop === shard.loop else { return lookLater() }
        if handler.session.openStreams > 0 { pause = max(Self.often, roundTrip) }
        let ownRate = CongestionControl.keepsRate(connection.channel, isChosen: connection.hasCongestionControl)
        guard !ownRate || !handler.session.peerKeepsRate else { return }
        if watch == nil { watch = LossWatch(received: !handler.session.peerKeepsRate, sent: !ownRate) }
        if let statistics = TCPStatistics(of: connection.channel), watch?.note(statistics) == true {
            shard.logger.notice(
                "the way to the server loses packets: what is carried is spread over several connections",
                metadata: ["server": "\(connection.host)", "connections": "\(others.count + 1)"])
            return spread()
        }
        lookLater()
    }

    private func spread() {
        guard !isSpread else { return }
        isSpread = true
        for sibling in siblings { sibling.hasten() }
    }
}

@available(*, unavailable)
extension MuxSpreadPort: Sendable {}

extension MuxClientPort {
    fileprivate var openStreams: Int { current?.handler.session.openStreams ?? 0 }

    /// What its connection carries; nil while it takes no stream.
    var load: MuxSpread.Load? {
        guard let session = current?.handler.session, session.canOpen else { return nil }
        return MuxSpread.Load(bulk: session.bulkStreams, open: session.openStreams)
    }
}
