import HTTPMessages
import NIOCore
import NIOHTTP2
import Pipeline

/// Opens a stream for every exchange on the HTTP/2 connection that is up, and has another opened where the server takes no more streams on
/// one.
final class H2ClientPort: TunnelClient, TunnelQueueOwner {
    private let configuration: H2Configuration
    private let downstream: any OutboundPort
    private let shard: Shard
    private let queue: TunnelQueue
    private let meter: SessionMeter
    /// Those that are up, the oldest first: it is filled first, so that others come to their ends.
    private var sessions: [H2ClientSession] = []

    init(configuration: H2Configuration, downstream: any OutboundPort, shard: Shard) {
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        queue = TunnelQueue(downstream: downstream, shard: shard)
        meter = SessionMeter(.h2, on: shard)
        queue.owner = self
    }

    var protocols: [String] { H2Codec.protocols }

    func open(_ exchange: Exchange) { queue.take(exchange) }

    var openStreams: Int { sessions.reduce(0) { $0 + $1.openStreams } }
    var queues: [TunnelQueue] { [queue] }

    func begin(_ exchange: Exchange) -> Bool {
        guard let session = sessions.first(where: \.canOpen) else {
            if !sessions.isEmpty { downstream.openAnother() }
            return false
        }
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
        let waiting = H2WaitingDataHandler(preface: 0, configuration)
        let session = H2ClientSession(
            connection: connection, handler: handler, waiting: waiting, configuration: configuration, shard: shard, meter: meter,
            port: self)
        try connection.channel.pipeline.syncOperations.addHandlers(H2FieldBytesHandler(.client), waiting, handler, session)
    }

    func ready(_ connection: Outbound) {}

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        sessions.removeAll { $0.connection === connection }
        queue.giveUpIfHopeless()
    }

    func roomFreed() { queue.start() }

    // MARK: - From the session

    func established(_ session: H2ClientSession) {
        if session.connection.isExtra { sessions.append(session) } else { sessions.insert(session, at: 0) }
        session.connection.established()
        queue.start()
    }

    /// What is open goes on; whatever comes now goes to a new connection.
    func goingAway(_ session: H2ClientSession, _ failure: Failure) {
        guard sessions.contains(where: { $0 === session }) else { return }
        leaving(session)
        session.connection.retire(because: failure)
    }

    /// It takes no more exchanges.
    func leaving(_ session: H2ClientSession) { sessions.removeAll { $0 === session } }

    func streamEnded() { queue.start() }
}

@available(*, unavailable)
extension H2ClientPort: Sendable {}
