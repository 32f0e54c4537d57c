import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// Opens a stream for every exchange on the session that is up, and lets exchanges wait while none is.
final class MuxClientPort: ExchangePort, OutboundClient, MuxHandlerOwner, TunnelQueueOwner {
    private let configuration: MuxConfiguration
    private let queue: TunnelQueue
    private let shard: Shard
    let meter: MuxMeter
    private var attempts = SessionAttempts<MuxHandler>()
    private var isEstablished = false

    /// - Parameter meter: That of another port of the same stage, which counts for both.
    init(configuration: MuxConfiguration, downstream: any OutboundPort, shard: Shard, meter: MuxMeter? = nil) {
        self.configuration = configuration
        queue = TunnelQueue(downstream: downstream, shard: shard)
        self.shard = shard
        self.meter = meter ?? MuxMeter(on: shard)
        queue.owner = self
        guard meter == nil else { return }
        let waitingNow = shard.metrics.gauge(FrameMetrics.waiting, shard.assembling?.labels ?? [])
        shard.metrics.beforeReading { [queue] in waitingNow.value = Int64(queue.count) }
    }

    var protocols: [String] { MuxCodec.protocols }

    /// The connection that is up, with what speaks on it.
    var current: (connection: Outbound, handler: MuxHandler)? { isEstablished ? attempts.current : nil }
    /// Whether there is a connection that is up or may come up.
    var isAttempting: Bool { attempts.current != nil }

    // MARK: - Exchanges

    var offers: BodyCapabilities {
        guard isEstablished, let handler = attempts.current?.handler else { return .undecided }
        return handler.session.peerOffers
    }

    func open(_ exchange: Exchange) { queue.take(exchange) }

    func begin(_ exchange: Exchange) -> Bool {
        guard isEstablished, let handler = attempts.current?.handler, handler.session.canOpen else { return false }
        if exchange.request.body.isDeflated, !handler.session.peerOffers.contains(.deflate) {
            // It was deflated for a server that has been replaced while the exchange waited.
            let failure = Failure(.refused, "the server that is there now takes no compressed bodies")
            exchange.answer(failure.response(for: exchange.request))
            return true
        }
        guard let stream = handler.open(exchange, from: queue) else {
            exchange.answer(
                Failure(.badRequest, "the request's head is too large for the tunnel").response(for: exchange.request))
            return true
        }
        exchange.attach(stream)
        handler.flushSoon()
        return true
    }

    // MARK: - Connections

    func configure(_ connection: Outbound) throws {
        let handler = MuxHandler(
            role: .opener, configuration: configuration, shard: shard, peerName: connection.host, meter: meter)
        try connection.channel.pipeline.syncOperations.addHandler(handler)
        handler.owner = self
        handler.choosesCongestionControl = !connection.hasCongestionControl
        isEstablished = false
        attempts.begin(connection, handler)
    }

    func ready(_ connection: Outbound) {
        for other in attempts.ready(connection) { other.owner = nil }
    }

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        if attempts.lost(connection) { isEstablished = false }
        queue.giveUpIfHopeless()
    }

    // MARK: - Session

    func streamOpened(slot: Int, _ head: RequestHead, early: ByteBuffer, end: Bool) {}

    func sessionEstablished() {
        isEstablished = true
        attempts.current?.connection.established()
        queue.start()
    }

    func sessionGoingAway(_ failure: Failure) {
        guard let (connection, handler) = attempts.current else { return }
        // What is open goes on there.
        attempts.retire()
        isEstablished = false
        handler.owner = nil
        handler.goAway()
        connection.retire(because: failure)
    }

    func streamsFreed() { queue.start() }

    func sessionClosed(_ failure: Failure) {
        if attempts.current?.connection.failure == nil { attempts.current?.connection.failure = failure }
        isEstablished = false
    }
}

@available(*, unavailable)
extension MuxClientPort: Sendable {}
