import HTTPMessages
import Logging
import NIOCore
import Pipeline

/// Speaks the JSON protocol with every connection, and hands on the exchanges that its agent opens.
final class JSONServerPort: InboundPort {
    private let configuration: JSONConfiguration
    private let downstream: any ExchangePort
    private let shard: Shard
    private let meter: SessionMeter

    init(configuration: JSONConfiguration, downstream: any ExchangePort, shard: Shard) {
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        self.meter = SessionMeter(.json, on: shard)
    }

    var protocols: [String] { JSONCodec.protocols }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        let handler = JSONHandler(
            configuration: configuration, shard: shard, meter: meter, peer: .agent(connection))
        let session = JSONServerSession(handler: handler, connection: connection, downstream: downstream, shard: shard)
        try connection.channel.pipeline.syncOperations.addHandlers(handler, session)
    }
}

/// One connection's session: makes an exchange of every request. Stands in the pipeline only to live as long as it does.
private final class JSONServerSession: ChannelInboundHandler, JSONHandlerOwner {
    typealias InboundIn = Never
    private let handler: JSONHandler
    private let connection: Inbound
    private let downstream: any ExchangePort
    private let shard: Shard
    /// Whether the log has the agent.
    private var isGreeted = false
    private let ids: PeerExchangeIDs

    init(handler: JSONHandler, connection: Inbound, downstream: any ExchangePort, shard: Shard) {
        self.handler = handler
        self.connection = connection
        self.downstream = downstream
        self.shard = shard
        ids = PeerExchangeIDs(connection)
        handler.owner = self
    }

    func sessionEstablished() {
        // Without a certificate it may be somebody who only looks whether the port is open.
        if connection.identity != nil { greet() }
    }

    private func greet() {
        guard !isGreeted else { return }
        isGreeted = true
        shard.logger.info("agent connected", metadata: ["remote": "\(connection.remote)", "client": "\(connection.clientName)"])
    }

    func streamsFreed() {}

    func sessionClosed(_ failure: Failure) {
        guard isGreeted else { return }
        shard.logger.info(
            "agent disconnected",
            metadata: ["remote": "\(connection.remote)", "client": "\(connection.clientName)", "reason": "\(failure)"])
    }

    func opened(_ envelope: JSONEnvelope) {
        connection.admit()
        greet()
        if envelope.namesClient { handler.agentHearsGoodbye = true }
        switch envelope {
        case .httpRequest(let id, let method, let url, let fields, let body, let client, let exchange):
            request(id, method, url, fields, body, client, exchange)
        case .connectOpen(let id, let address, let exchange):
            guard handler.canOpen, let authority = Authority(address), authority.port != nil else {
                return handler.send(.connectAck(id: id, ok: false, error: refusal(or: "'\(address)' is no host and port")))
            }
            var head = RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: address, path: "", body: .unknown)
            head.exchangeName = exchange
            open(head, JSONServerTunnel(handler: handler, id: id), id)
        case .webSocketOpen(let id, let url, let fields, let client, let exchange):
            let request = JSONHeads.request(method: "GET", url: url, fields: fields, body: .none, isWebSocket: true)
            guard handler.canOpen, var head = request else {
                return handler.send(.webSocketAck(id: id, ok: false, error: refusal(or: "the URL is no WebSocket's")))
            }
            let key = head.fields.first("Sec-WebSocket-Key") ?? ""
            head.connectionName = client
            head.exchangeName = exchange
            open(head, JSONServerWebSocket(handler: handler, id: id, key: key), id)
        default:
            // Of a stream that has ended here.
            break
        }
    }

    func openedTooLarge(_ envelope: JSONEnvelope) {
        let reason = "larger than this tunnel takes (\(handler.configuration.maxBody) bytes)"
        switch envelope {
        case .httpRequest(let id, _, _, _, _, _, _): handler.send(.failure(id: id, status: 413, "the request's body is \(reason)"))
        case .connectOpen(let id, _, _): handler.send(.connectAck(id: id, ok: false, error: "the request is \(reason)"))
        case .webSocketOpen(let id, _, _, _, _): handler.send(.webSocketAck(id: id, ok: false, error: "the request is \(reason)"))
        default: break
        }
    }

    private func refusal(or reason: String) -> String {
        // Agents of the first Fluidity don't know the word that says so before they ask.
        if handler.isRefusing { return "the server is going away" }
        return handler.canOpen ? reason : "the session carries as many exchanges as it may"
    }

    private func request(
        _ id: String, _ method: String, _ url: String, _ fields: HeaderFields, _ body: ByteBuffer, _ client: UInt64?,
        _ name: UInt64?
    ) {
        let length: BodyLength = body.readableBytes > 0 ? .known(Int64(body.readableBytes)) : Self.emptyBody(of: method)
        var head = JSONHeads.request(method: method, url: url, fields: fields, body: length)
        head?.connectionName = client
        head?.exchangeName = name
        let hasRoom = handler.canOpen && handler.mayHold(body.readableBytes)
        guard hasRoom, let head else {
            let reason = refusal(or: hasRoom ? "the method or the URL is malformed" : "the session carries as much as it may")
            return handler.send(.failure(id: id, status: hasRoom ? 400 : 503, reason))
        }
        let stream = JSONServerRequest(handler: handler, id: id)
        let exchange = open(head, stream, id) { exchange in
            stream.pass(body)
            exchange.sendRequestEnd()
        }
        exchange.flushRequest()
    }

    /// A method that is about a body has one of no bytes (RFC 9110, 8.6).
    private static func emptyBody(of method: String) -> BodyLength {
        ["POST", "PUT", "PATCH"].contains(method) ? .known(0) : .none
    }

    @discardableResult
    private func open(
        _ head: RequestHead, _ stream: JSONServerStream, _ id: String, _ begin: (Exchange) -> Void = { _ in }
    ) -> Exchange {
        let exchange = Exchange(head, from: stream, client: connection, on: shard, id: ids.id(head.exchangeName))
        exchange.clientConnection = head.connectionName.map { ClientConnection(connection, client: $0) }
        stream.exchange = exchange
        handler.add(stream, id)
        // Before the exchange goes on its way, so that a stage that opens something sees what is already there.
        begin(exchange)
        downstream.open(exchange)
        return exchange
    }
}

@available(*, unavailable)
extension JSONServerSession: Sendable {}

extension JSONEnvelope {
    /// Whether it says whose it is: an agent that does knows a goodbye too, unlike those of the first Fluidity.
    fileprivate var namesClient: Bool {
        switch self {
        case .httpRequest(_, _, _, _, _, let client, _): client != nil
        case .webSocketOpen(_, _, _, let client, _): client != nil
        default: false
        }
    }
}
