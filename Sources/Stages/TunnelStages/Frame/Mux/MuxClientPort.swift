import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// Opens a stream for every exchange on the session that is up, and lets exchanges wait while none is.
final class MuxClientPort: ExchangePort, OutboundClient, MuxHandlerOwner, TunnelQueueOwner {
    private let configuration: MuxConfiguration
    let queue: TunnelQueue
    private let shard: Shard
    let meter: MuxMeter
    private var attempts = SessionAttempts<MuxHandler>()
    private var isEstablished = false
    private let parking: MuxParking?
    private let downstream: any OutboundPort
    /// The session that has lost its connection and waits for another.
    private var waiting: MuxHandler?
    private var pace = AttachPace()
    /// The attempt to find the server of the session that waits where that has said it can be reached itself.
    private var detouring: Outbound?
    private let disturbance: TunnelDisturbance?

    /// - Parameters:
    ///   - meter: That of another port of the same stage, which counts for both.
    ///   - parking: What sessions need that can be resumed.
    ///   - path: Tells when the server may not be reached any more as it was, or may be reached again.
    init(
        configuration: MuxConfiguration, downstream: any OutboundPort, shard: Shard, meter: MuxMeter? = nil,
        parking: MuxParking? = nil, disturbance: TunnelDisturbance? = .process, path: PathWatch? = nil
    ) {
        self.configuration = configuration
        self.parking = parking
        self.downstream = downstream
        self.disturbance = disturbance
        queue = TunnelQueue(downstream: downstream, shard: shard)
        self.shard = shard
        self.meter = meter ?? MuxMeter(on: shard)
        queue.owner = self
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        path?.observe(on: shard.loop) { this.value.pathChanged() }
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
        var configuration = configuration
        configuration.resumes = parking?.hasRoom ?? false || waiting != nil
        configuration.attach = waiting?.wish
        let handler = MuxHandler(
            role: .opener, configuration: configuration, shard: shard, peer: .server(connection), meter: meter, parking: parking)
        try connection.channel.pipeline.syncOperations.addHandler(MuxConnection(handler))
        handler.owner = self
        handler.choosesCongestionControl = !connection.hasCongestionControl
        isEstablished = false
        attempts.begin(connection, handler)
        if waiting != nil {
            detouring = connection.isDetour ? connection : nil
            limit(connection)
        }
    }

    /// Behind a name there may be several servers, and the session is of one.
    var detour: HostPort? { waiting?.resumable?.place }

    /// An attempt that takes too long makes room for another, for a connection that hangs says nothing of the next.
    private func limit(_ connection: Outbound) {
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        let bound = NIOLoopBound(connection, eventLoop: shard.loop)
        shard.loop.scheduleTask(in: pace.limit(meter.shortestRoundTrip)) { this.value.giveUp(bound.value) }
    }

    private func giveUp(_ connection: Outbound) {
        guard waiting != nil, !isEstablished, attempts.current?.connection === connection else { return }
        if detouring !== connection { pace.timedOut() }
        connection.fail(Failure(.timeout, "the attempt to go on with a session took too long"))
    }

    func ready(_ connection: Outbound) {
        for other in attempts.ready(connection) { other.owner = nil }
    }

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        if attempts.lost(connection) { isEstablished = false }
        if let place = detouring, connection == nil || connection === place {
            // The usual place follows at once, and what this one said tells nothing of it.
            detouring = nil
        } else if waiting != nil {
            tryAgain(because: error)
        }
        queue.giveUpIfHopeless()
    }

    /// The server is dialled anew for the session that waits, unless it is known to be gone.
    private func tryAgain(because error: (any Error)?) {
        switch pace.failed(isRefusal: error.map(ConnectionFailure.isRefusal) ?? false) {
        case .giveUp:
            endWaiting(
                Failure(.tunnelLost, "the server is gone: \(error.map { ConnectionFailure.words(for: $0) } ?? "it doesn't answer")")
            )
        case .again(let wait):
            let this = NIOLoopBound(self, eventLoop: shard.loop)
            // Behind what is under way, which is the end of the connection before.
            shard.loop.scheduleTask(in: wait) { this.value.hasten() }
        }
    }

    /// A session without streams has time.
    private func hasten() {
        if let waiting, waiting.session.openStreams > 0 { downstream.hasten() }
    }

    private func endWaiting(_ failure: Failure) {
        guard let session = waiting else { return }
        waiting = nil
        session.owner = nil
        session.end(failure)
    }

    // MARK: - Session

    func streamOpened(slot: Int, _ head: RequestHead, early: ByteBuffer, end: Bool) {}

    func sessionEstablished() {
        endWaiting(Failure(.tunnelLost, "the connection was lost, and the server has another session now"))
        goOn()
    }

    private func goOn() {
        isEstablished = true
        detouring = nil
        attempts.current?.connection.established()
        queue.start()
        disturb()
    }

    func sessionAttaching(_ wish: MuxAttach) {}

    /// The server says whether the session goes on over the new connection.
    func sessionAttached(_ answer: MuxAttachAnswer) {
        switch answer {
        case .refused(let refusal):
            meter.resumption.refused(refusal)
            endWaiting(
                Failure(.tunnelLost, "the connection was lost, and the server doesn't go on with the session: \(refusal.words)"))
        case .accepted(let position, let token):
            guard let (connection, asking) = attempts.current, let session = waiting, let (wire, rest) = asking.surrender() else {
                return
            }
            waiting = nil
            wire.serve(session)
            attempts.begin(connection, session)
            guard session.adopt(wire, at: position, token, rest: rest) else {
                return connection.fail(Failure(.protocolViolation, "the server went back"))
            }
        }
    }

    func sessionDetached(_ failure: Failure) {
        guard let (connection, handler) = attempts.current else { return }
        if connection.failure == nil { connection.failure = failure }
        waiting = handler
        isEstablished = false
        pace = AttachPace()
    }

    func sessionResumed() { goOn() }

    /// The machine's network has changed, or it was suspended.
    private func pathChanged() {
        if let (_, handler) = current { handler.doubt() } else if waiting != nil || queue.count > 0 { downstream.hasten() }
    }

    /// Where a test wants it, connections don't last.
    private func disturb() {
        guard let disturbance, let (connection, _) = attempts.current else { return }
        let channel = connection.channel
        shard.loop.scheduleTask(in: disturbance.interval) {
            guard channel.isActive else { return }
            channel.pipeline.fireUserInboundEventTriggered(TunnelDisturbance.Event())
        }
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
        // One that has waited in vain has had no connection for long.
        if let waiting, !waiting.isActive {
            self.waiting = nil
            return
        }
        if attempts.current?.connection.failure == nil { attempts.current?.connection.failure = failure }
        isEstablished = false
    }
}

@available(*, unavailable)
extension MuxClientPort: Sendable {}
