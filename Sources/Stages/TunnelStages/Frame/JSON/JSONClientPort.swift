import HTTPMessages
import NIOCore
import Pipeline

/// Carries every exchange over the JSON connection that is up.
final class JSONClientPort: TunnelClient, JSONHandlerOwner, TunnelQueueOwner {
    private let configuration: JSONConfiguration
    private let downstream: any OutboundPort
    private let shard: Shard
    private let queue: TunnelQueue
    private let meter: SessionMeter
    private var attempts = SessionAttempts<JSONHandler>()

    init(configuration: JSONConfiguration, downstream: any OutboundPort, shard: Shard) {
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        queue = TunnelQueue(downstream: downstream, shard: shard)
        meter = SessionMeter(.json, on: shard)
        queue.owner = self
    }

    var protocols: [String] { JSONCodec.protocols }

    func open(_ exchange: Exchange) { queue.take(exchange) }

    var openStreams: Int { attempts.current?.handler.openStreams ?? 0 }
    var queues: [TunnelQueue] { [queue] }

    func begin(_ exchange: Exchange) -> Bool {
        guard let handler = attempts.current?.handler, handler.canOpen else { return false }
        let id = Self.makeID()
        let stream: JSONClientStream
        switch exchange.request.kind {
        case .plain: stream = JSONClientRequest(handler: handler, id: id, exchange: exchange, queue: queue)
        case .tunnel: stream = JSONClientTunnel(handler: handler, id: id, exchange: exchange)
        case .upgrade:
            guard exchange.request.fields.first("Upgrade")?.lowercased() == "websocket" else {
                exchange.answer(
                    LocalResponse(status: 501, body: "The tunnel's protocol (json) changes to WebSocket and to nothing else.\n"))
                return true
            }
            guard exchange.request.body == .none || exchange.request.body == .known(0) else {
                exchange.answer(LocalResponse(status: 400, body: "A WebSocket's opening handshake has no body.\n"))
                return true
            }
            stream = JSONClientWebSocket(handler: handler, id: id, exchange: exchange)
        }
        handler.add(stream, id)
        stream.begin()
        return true
    }

    /// 32 hexadecimal digits.
    private static func makeID() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    // MARK: - Connections

    func configure(_ connection: Outbound) throws {
        let handler = JSONHandler(
            configuration: configuration, shard: shard, meter: meter, peer: .server(connection))
        try connection.channel.pipeline.syncOperations.addHandler(handler)
        handler.owner = self
        attempts.begin(connection, handler)
    }

    func ready(_ connection: Outbound) {
        for other in attempts.ready(connection) { other.owner = nil }
        // It was open before it was known which it is.
        if attempts.current?.handler.canOpen == true { sessionEstablished() }
    }

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        attempts.lost(connection)
        queue.giveUpIfHopeless()
    }

    // MARK: - Session

    func sessionEstablished() {
        // The protocol has no greeting: a connection that is open is as much as there is to know. `ready` may come later.
        shard.loop.assumeIsolated().execute {
            self.attempts.current?.connection.established()
            self.queue.start()
        }
    }

    // The server opens nothing; what comes is of a stream that has ended here, or of the session.
    func opened(_ envelope: JSONEnvelope) {
        guard case .goingAway = envelope, let (connection, handler) = attempts.current else { return }
        // What is open goes on there.
        attempts.retire()
        handler.owner = nil
        connection.retire(because: Failure(.draining, "the server is going away"))
        handler.drain()
    }

    func openedTooLarge(_ envelope: JSONEnvelope) {}

    func streamsFreed() { queue.start() }

    func sessionClosed(_ failure: Failure) {
        if let connection = attempts.current?.connection, connection.failure == nil { connection.failure = failure }
    }
}

@available(*, unavailable)
extension JSONClientPort: Sendable {}
