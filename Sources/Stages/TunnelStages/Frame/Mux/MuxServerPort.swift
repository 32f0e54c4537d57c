import ConfigurationLanguage
import HTTPMessages
import Instruments
import Logging
import NIOCore
import Pipeline

/// Puts a session on every connection, and hands on the exchanges that its peer opens.
final class MuxServerPort: InboundPort {
    private let configuration: MuxConfiguration
    private let downstream: any ExchangePort
    private let shard: Shard
    private let meter: MuxMeter
    private let parking: MuxParking?

    init(configuration: MuxConfiguration, downstream: any ExchangePort, shard: Shard, parking: MuxParking? = nil) {
        self.parking = parking
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        self.meter = MuxMeter(on: shard)
    }

    var protocols: [String] { MuxCodec.protocols }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        var configuration = configuration
        configuration.offers = downstream.offers.intersection(.deflate)
        configuration.keepsRate = CongestionControl.keepsRate(connection.channel, isChosen: connection.hasCongestionControl)
        if let parking {
            // An opener that has a session learns that it can go on with that, though this one couldn't be resumed.
            configuration.resumes = true
            if parking.hasRoom {
                let keep = UInt32(clamping: parking.settings.keep.nanoseconds / 1_000_000_000)
                configuration.offer = MuxOffer(token: ResumptionToken(), keep: keep, address: ownPlace(parking, connection))
            } else {
                meter.resumption.unresumable.add()
            }
        }
        let handler = MuxHandler(
            role: .acceptor, configuration: configuration, shard: shard, peer: .agent(connection), meter: meter,
            parking: parking)
        handler.choosesCongestionControl = !connection.hasCongestionControl
        handler.owner = MuxServerSession(
            handler: handler, connection: connection, downstream: downstream, shard: shard, meter: meter, parking: parking)
        try connection.channel.pipeline.syncOperations.addHandler(MuxConnection(handler))
    }

    /// Where this server can be reached itself: as it was told, or the address that was found out, with the port that the agent has found.
    private func ownPlace(_ parking: MuxParking, _ connection: Inbound) -> String {
        if let told = parking.settings.address { return told }
        guard let address = shard.telemetry.ownAddress?.address, let port = connection.channel.localAddress?.port else { return "" }
        return "\(HostPort(host: "\(address)", port: port))"
    }
}

/// One session: makes an exchange of every stream. What it came by is its first connection.
private final class MuxServerSession: MuxHandlerOwner {
    private let handler: MuxHandler
    private let connection: Inbound
    private let downstream: any ExchangePort
    private let shard: Shard
    private let meter: MuxMeter
    private let parking: MuxParking?
    private var isEstablished = false
    private let ids: PeerExchangeIDs
    /// How the agent took its leave, if it did.
    private var goodbye: String?

    init(
        handler: MuxHandler, connection: Inbound, downstream: any ExchangePort, shard: Shard, meter: MuxMeter,
        parking: MuxParking?
    ) {
        self.handler = handler
        self.connection = connection
        self.downstream = downstream
        self.shard = shard
        self.meter = meter
        self.parking = parking
        ids = PeerExchangeIDs(connection)
    }

    func streamOpened(slot: Int, _ head: RequestHead, early: ByteBuffer, end: Bool) {
        let stream = MuxServerStream(handler: handler, slot: slot)
        let exchange = Exchange(head, from: stream, client: connection, on: shard, id: ids.id(head.exchangeName))
        exchange.clientConnection = head.connectionName.map { ClientConnection(connection, client: $0) }
        stream.begin(exchange)
        handler.attach(.server(stream), slot)
        // Before the exchange goes on its way, so that a stage that opens something sees what is already there.
        if early.readableBytes > 0 { exchange.sendRequestBody(early) }
        if end { exchange.sendRequestEnd() }
        downstream.open(exchange)
    }

    func sessionEstablished() {
        isEstablished = true
        connection.admit()
        if let parking, let token = handler.resumable?.token {
            parking.sessions.add(token, connection.identity, NIOLoopBound(handler, eventLoop: shard.loop))
        }
        shard.logger.info(
            "agent connected", metadata: ["remote": "\(connection.remote)", "client": "\(connection.clientName)"])
    }

    /// An agent may go without a word, but not in error: that isn't leaving.
    func sessionGoingAway(_ failure: Failure) {
        guard failure.isOrderlyLeave else { return }
        if failure.code == .draining { meter.goodbyes.add() }
        goodbye = "it said goodbye: \(failure.message.isEmpty ? "no reason" : failure.message)"
    }

    // MARK: - Going on with another session

    /// The connection is another session's, if that can be.
    func sessionAttaching(_ wish: MuxAttach) {
        connection.admit()
        guard let parking else { return refuse(.unknown) }
        guard !parking.isDraining else { return refuse(.draining) }
        switch parking.sessions.claim(wish.token, by: connection.identity) {
        case .unknown: refuse(.unknown)
        case .foreign: refuse(.foreign)
        case .granted(let other, let token) where other.eventLoop === shard.loop: hand(to: other.value, wish, token)
        case .granted(let other, let token): hand(to: other, wish, token)
        }
    }

    private func refuse(_ refusal: MuxAttachRefusal) {
        meter.resumption.refused(refusal)
        shard.logger.info(
            "an agent's session is not gone on with",
            metadata: [
                "remote": "\(connection.remote)", "client": "\(connection.clientName)", "reason": "\(refusal.word)",
            ])
        handler.refuse(refusal)
    }

    private func hand(to other: MuxHandler, _ wish: MuxAttach, _ token: ResumptionToken) {
        if let refusal = other.refusal(of: wish) { return refuse(refusal) }
        guard let (wire, rest) = handler.surrender() else { return }
        guard rest.readableBytes == 0 else { return wire.abandon() }
        wire.serve(other)
        other.attach(.near(wire), wish, named: token)
    }

    /// To a session on another loop, to which the connection's bytes are carried over.
    private func hand(to other: NIOLoopBound<MuxHandler>, _ wish: MuxAttach, _ token: ResumptionToken) {
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        other.eventLoop.execute {
            if let refusal = other.value.refusal(of: wish) { return this.eventLoop.execute { this.value.refuse(refusal) } }
            this.eventLoop.execute { this.value.handOver(to: other, wish, token) }
        }
    }

    private func handOver(to other: NIOLoopBound<MuxHandler>, _ wish: MuxAttach, _ token: ResumptionToken) {
        guard let (wire, rest) = handler.surrender() else { return }
        guard rest.readableBytes == 0, wire.context != nil else { return wire.abandon() }
        let bound = NIOLoopBound(wire, eventLoop: shard.loop)
        let far = MuxFarEnd(on: shard.loop)
        wire.serve(far)
        let end = NIOLoopBound(far, eventLoop: shard.loop)
        other.eventLoop.execute {
            let line = MuxFarLine(other.value, bound, on: other.eventLoop)
            let lineBound = NIOLoopBound(line, eventLoop: other.eventLoop)
            // Goes before whatever the session writes.
            end.eventLoop.execute { end.value.join(lineBound) }
            other.value.attach(.far(line), wish, named: token)
        }
    }

    func sessionAttached(_ answer: MuxAttachAnswer) {}

    func sessionDetached(_ failure: Failure) {}

    func sessionResumed() {}

    func streamsFreed() {}

    func sessionClosed(_ failure: Failure) {
        // One that was not let in, or never said HELLO, was no agent.
        guard isEstablished else { return }
        let isLeaving = handler.session.failure == nil && handler.session.isGoingAway
        let reason = isLeaving ? goodbye ?? "this server is going away" : failure.message
        shard.logger.info(
            "agent disconnected",
            metadata: ["remote": "\(connection.remote)", "client": "\(connection.clientName)", "reason": "\(reason)"])
    }
}

@available(*, unavailable)
extension MuxServerSession: Sendable {}
