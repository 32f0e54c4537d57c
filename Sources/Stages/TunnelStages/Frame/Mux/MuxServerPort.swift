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

    init(configuration: MuxConfiguration, downstream: any ExchangePort, shard: Shard) {
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
        let handler = MuxHandler(
            role: .acceptor, configuration: configuration, shard: shard, peerName: connection.remote, meter: meter)
        handler.choosesCongestionControl = !connection.hasCongestionControl
        let session = MuxServerSession(
            handler: handler, connection: connection, downstream: downstream, shard: shard, goodbyes: meter.goodbyes)
        try connection.channel.pipeline.syncOperations.addHandlers(handler, session)
    }
}

/// One connection's session: makes an exchange of every stream. Stands in the pipeline only to live as long as it does.
private final class MuxServerSession: ChannelInboundHandler, MuxHandlerOwner {
    typealias InboundIn = Never
    private let handler: MuxHandler
    private let connection: Inbound
    private let downstream: any ExchangePort
    private let shard: Shard
    private let goodbyes: Counter
    private var isEstablished = false

    init(
        handler: MuxHandler, connection: Inbound, downstream: any ExchangePort, shard: Shard, goodbyes: Counter
    ) {
        self.handler = handler
        self.connection = connection
        self.downstream = downstream
        self.shard = shard
        self.goodbyes = goodbyes
    }

    func handlerAdded(context: ChannelHandlerContext) { handler.owner = self }

    func streamOpened(slot: Int, _ head: RequestHead, early: ByteBuffer, end: Bool) {
        let stream = MuxServerStream(handler: handler, slot: slot)
        let exchange = Exchange(head, from: stream, client: connection, on: shard)
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
        shard.logger.info(
            "agent connected", metadata: ["remote": "\(connection.remote)", "client": "\(connection.clientName)"])
    }

    /// An agent may go without a word, but not in error: that isn't leaving.
    func sessionGoingAway(_ failure: Failure) {
        if failure.code == .draining { goodbyes.add() }
    }

    func streamsFreed() {}

    func sessionClosed(_ failure: Failure) {
        // One that was not let in, or never said HELLO, was no agent.
        guard isEstablished else { return }
        shard.logger.info(
            "agent disconnected",
            metadata: ["remote": "\(connection.remote)", "client": "\(connection.clientName)", "reason": "\(failure)"])
    }
}

@available(*, unavailable)
extension MuxServerSession: Sendable {}
