import DequeModule
import NIOCore
import Pipeline

/// Opens a stream for every exchange on the session that is up, and lets exchanges wait while none is.
final class MuxClientPort: ExchangePort, OutboundClient, MuxHandlerOwner, Expiring {
    /// Exchanges that may wait for a connection on one loop.
    private static let waitingLimit = 1_024

    var sweepIndex: Int?
    private let configuration: MuxConfiguration
    private let downstream: any OutboundPort
    private let shard: Shard
    private let meter: MuxMeter<MuxClientStream>
    private var current: (connection: Outbound, handler: MuxHandler<MuxClientStream>)?
    private var isEstablished = false
    private var waiting = Deque<(exchange: Exchange, until: NIODeadline)>()

    init(configuration: MuxConfiguration, downstream: any OutboundPort, shard: Shard) {
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        meter = MuxMeter(on: shard)
        let waitingNow = shard.metrics.gauge(FrameFactory.Metrics.waiting, shard.assembling?.labels ?? [])
        shard.metrics.beforeReading { [weak self] in waitingNow.value = Int64(self?.waiting.count ?? 0) }
    }

    var protocols: [String] { FrameCodec.mux.protocols }

    // MARK: - Exchanges

    var offers: BodyCapabilities {
        guard isEstablished, let handler = current?.handler else { return .undecided }
        return handler.session.peerOffers
    }

    func open(_ exchange: Exchange) {
        guard waiting.isEmpty, start(exchange) else { return wait(exchange) }
    }

    private func start(_ exchange: Exchange) -> Bool {
        guard isEstablished, let handler = current?.handler, handler.session.canOpen else { return false }
        if exchange.request.body.isDeflated, !handler.session.peerOffers.contains(.deflate) {
            // It was deflated for a server that has been replaced while the exchange waited.
            let failure = Failure(.refused, "the server that is there now takes no compressed bodies")
            exchange.answer(failure.response(for: exchange.request))
            return true
        }
        guard
            let stream = handler.open(
                exchange.request, makeEnd: { MuxClientStream(handler: handler, slot: $0, exchange: exchange) })
        else {
            exchange.answer(
                Failure(.badRequest, "the request's head is too large for the tunnel").response(for: exchange.request))
            return true
        }
        exchange.attach(stream)
        handler.flushSoon()
        return true
    }

    private func wait(_ exchange: Exchange) {
        let patience = downstream.patience
        guard patience > .zero, waiting.count < Self.waitingLimit else { return exchange.answer(unavailable(exchange)) }
        waiting.append((exchange, .now() + patience))
        if sweepIndex == nil { shard.deadlines.add(self) }
    }

    private func startWaiting() {
        while let first = waiting.first {
            if !first.exchange.hasEnded, !start(first.exchange) { return }
            waiting.removeFirst()
        }
        shard.deadlines.remove(self)
    }

    var deadline: NIODeadline? { waiting.first?.until }

    func expire(now: NIODeadline) {
        while let first = waiting.first, first.until <= now {
            waiting.removeFirst()
            if !first.exchange.hasEnded { first.exchange.answer(unavailable(first.exchange)) }
        }
        if waiting.isEmpty { shard.deadlines.remove(self) }
    }

    private func unavailable(_ exchange: Exchange) -> LocalResponse {
        let message =
            switch downstream.status {
            case .up:
                "the tunnel carries as many exchanges as it can (\(current?.handler.session.openStreams ?? 0))"
            case .down(let since, let to, let reason):
                "the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)"
            }
        return Failure(.tunnelDown, message).response(for: exchange.request)
    }

    // MARK: - Connections

    func configure(_ connection: Outbound) throws {
        let handler = MuxHandler<MuxClientStream>(
            role: .opener, configuration: configuration, shard: shard, peerName: connection.host, meter: meter)
        try connection.channel.pipeline.syncOperations.addHandler(handler)
        handler.owner = self
        isEstablished = false
        current = (connection, handler)
    }

    func ready(_ connection: Outbound) {}

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        // One that was going away may end after its successor has come.
        guard connection == nil || connection === current?.connection else { return }
        current = nil
        isEstablished = false
    }

    // MARK: - Session

    func streamOpened(slot: Int, _ head: RequestHead, early: ByteBuffer, end: Bool) {}

    func sessionEstablished() {
        isEstablished = true
        current?.connection.established()
        startWaiting()
    }

    func sessionGoingAway(_ failure: Failure) {
        guard let (connection, handler) = current else { return }
        // What is open goes on there; whatever comes now goes to a new connection.
        current = nil
        isEstablished = false
        handler.owner = nil
        handler.goAway()
        connection.retire(because: failure)
    }

    func streamsFreed() {
        if !waiting.isEmpty { startWaiting() }
    }

    func sessionClosed(_ failure: Failure) {
        if current?.connection.failure == nil { current?.connection.failure = failure }
        isEstablished = false
    }
}

@available(*, unavailable)
extension MuxClientPort: Sendable {}
