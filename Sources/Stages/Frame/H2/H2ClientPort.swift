import NIOCore
import NIOHTTP2
import Pipeline

/// Opens a stream for every exchange on the HTTP/2 connection that is up.
final class H2ClientPort: ExchangePort, OutboundClient, TunnelQueueOwner {
    private let configuration: H2Configuration
    private let downstream: any OutboundPort
    private let shard: Shard
    private let queue: TunnelQueue
    private let meter: SessionMeter
    private var session: H2ClientSession?

    init(configuration: H2Configuration, downstream: any OutboundPort, shard: Shard) {
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        queue = TunnelQueue(downstream: downstream, shard: shard)
        meter = SessionMeter(.h2, on: shard)
        queue.owner = self
    }

    var protocols: [String] { FrameCodec.h2.protocols }

    func open(_ exchange: Exchange) { queue.take(exchange) }

    func begin(_ exchange: Exchange) -> Bool {
        guard let session, session.canOpen else { return false }
        session.open(exchange, from: queue)
        return true
    }

    // MARK: - Connections

    func configure(_ connection: Outbound) throws {
        let handler = NIOHTTP2Handler(
            mode: .client, eventLoop: shard.loop, connectionConfiguration: configuration.connection(.client),
            streamConfiguration: configuration.stream
        ) { channel in
            // Nothing is pushed to us: the settings say so.
            channel.close()
        }
        let session = H2ClientSession(
            connection: connection, handler: handler, configuration: configuration, shard: shard, meter: meter, port: self)
        try connection.channel.pipeline.syncOperations.addHandlers(H2FieldBytesHandler(.client), handler, session)
        self.session = session
    }

    func ready(_ connection: Outbound) {}

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        // One that was going away may end after its successor has come.
        if connection == nil || connection === session?.connection { session = nil }
        queue.giveUpIfHopeless()
    }

    // MARK: - From the session

    func established(_ session: H2ClientSession) {
        // Several of a name's addresses may be tried at once: not always is it the last.
        self.session = session
        session.connection.established()
        queue.start()
    }

    /// What is open goes on; whatever comes now goes to a new connection.
    func goingAway(_ session: H2ClientSession, _ failure: Failure) {
        guard session === self.session else { return }
        self.session = nil
        session.connection.retire(because: failure)
    }

    func streamEnded() { queue.start() }
}

@available(*, unavailable)
extension H2ClientPort: Sendable {}
