import HTTPMessages
import NIOCore
import NIOWebSocket
import Pipeline

/// The agent's end of a stream: the sink of an exchange that the server answers.
class JSONClientStream: ExchangeSink, JSONStream {
    fileprivate let handler: JSONHandler
    fileprivate let id: String
    fileprivate var exchange: Exchange?
    fileprivate var account = JSONStreamAccount()

    init(handler: JSONHandler, id: String, exchange: Exchange) {
        self.handler = handler
        self.id = id
        self.exchange = exchange
    }

    /// Says what is wanted, and takes the exchange.
    func begin() { exchange?.attach(self) }

    fileprivate func pass(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0, let exchange, !exchange.hasEnded else { return }
        account.hold(bytes.readableBytes)
        handler.hold(bytes.readableBytes)
        exchange.sendResponseBody(bytes)
    }

    override func responseCredit(_ bytes: Int) { handler.hold(-account.passedOn(bytes)) }

    override func lateResponseCredit(_ bytes: Int) { responseCredit(bytes) }
    override var heir: ExchangeSink? { self }

    /// Nothing more is said of this stream. What its client hasn't taken yet counts until it has.
    fileprivate func end() {
        handler.remove(id)
        exchange = nil
    }

    deinit { handler.hold(-account.release()) }

    /// The server has said everything.
    fileprivate func endResponse() {
        let ended = exchange
        ended?.sendResponseEnd()
        ended?.flushResponse()
    }

    /// The same, and nothing more is said of this stream.
    fileprivate func finish() {
        let ended = exchange
        end()
        ended?.sendResponseEnd()
        ended?.flushResponse()
    }

    fileprivate func fail(_ failure: Failure) {
        let failed = exchange
        end()
        failed?.abortResponse(failure)
        failed?.flushResponse()
    }

    func received(_ envelope: JSONEnvelope) {}
    func receivedTooLarge() {}

    func sessionClosed(_ failure: Failure) {
        let failed = exchange
        exchange = nil
        failed?.abortResponse(failure)
        failed?.flushResponse()
    }

    func hasSent(_ bytes: Int) { exchange?.creditRequest(bytes) }
    func flush() { exchange?.flushResponse() }
}

/// A plain request, whose body is collected: this protocol has it whole.
final class JSONClientRequest: JSONClientStream {
    /// Where it goes if another server may do it.
    private weak var queue: TunnelQueue?

    init(handler: JSONHandler, id: String, exchange: Exchange, queue: TunnelQueue) {
        self.queue = queue
        super.init(handler: handler, id: id, exchange: exchange)
    }

    override func begin() {
        guard let exchange else { return }
        if case .known(let length) = exchange.request.body, length > handler.configuration.maxBody { return refuse() }
        super.begin()
        // The origin can't say this before it has the request, and it gets that as a whole.
        if exchange.request.fields["Expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            exchange.sendResponseHead(ResponseHead(status: 100, reason: "Continue"))
            exchange.flushResponse()
        }
    }

    override func requestBody(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard let exchange else { return }
        switch account.collect(bytes, of: handler.configuration.maxBody, mayHold: handler.mayHold) {
        case .taken:
            handler.collect(count)
            exchange.creditRequest(count)
        case .tooLarge: refuse()
        case .crowded: answer(503, "The tunnel holds as much as it may; try again.\n", .excessive)
        }
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        guard let request = exchange?.request else { return }
        // The body counts until it has left.
        let body = account.takeBody()
        let envelope = JSONEnvelope.httpRequest(
            id: id, method: request.method, url: JSONHeads.url(request), fields: JSONHeads.endToEnd(request.fields), body: body,
            client: exchange?.clientConnection?.name, exchange: exchange?.id.rawValue)
        handler.send(envelope, owing: body.readableBytes, to: self)
    }

    private func refuse() {
        answer(413, "The request's body is larger than this tunnel takes (\(handler.configuration.maxBody) bytes).\n", .tooLarge)
    }

    private func answer(_ status: Int, _ reason: String, _ code: Failure.Code) {
        let refused = exchange
        releaseBody()
        end()
        refused?.answer(LocalResponse(status: status, body: reason, failure: Failure(code, reason)))
        refused?.flushResponse()
    }

    private func releaseBody() { handler.collect(-account.takeBody().readableBytes) }

    override func hasSent(_ bytes: Int) { handler.collect(-bytes) }

    override func received(_ envelope: JSONEnvelope) {
        guard case .httpResponse(_, let status, let fields, let bytes, let error) = envelope, let exchange else { return }
        guard error.isEmpty else {
            let failure = Failure(.originClosed, error)
            exchange.toldFailure = failure
            end()
            exchange.answer(
                LocalResponse(status: (400...599).contains(status) ? status : 502, body: error + "\n", failure: failure))
            return exchange.flushResponse()
        }
        guard (200...599).contains(status) else { return fail(Failure(.originInvalid, "the server sent no valid status")) }
        var head = ResponseHead(
            status: status, reason: HTTPStatus.reason(status), body: .known(Int64(bytes.readableBytes)),
            fields: JSONHeads.endToEnd(fields))
        if head.isBodyless(for: exchange.request) {
            head.body = fields.first("Content-Length").flatMap { Int64($0) }.map { .known($0) } ?? .none
        }
        exchange.sendResponseHead(head)
        if !head.isBodyless(for: exchange.request) { pass(bytes) }
        handler.remove(id)
        exchange.sendResponseEnd()
        exchange.flushResponse()
        self.exchange = nil
    }

    override func receivedTooLarge() {
        releaseBody()
        fail(Failure(.originInvalid, "the answer is larger than this tunnel takes (\(handler.configuration.maxBody) bytes)"))
    }

    override func requestAborted(_ failure: Failure) {
        releaseBody()
        end()
    }

    override func sessionClosed(_ failure: Failure) {
        releaseBody()
        guard let exchange, let queue, queue.mayRepeat(exchange, after: failure) else { return super.sessionClosed(failure) }
        self.exchange = nil
        // It has no body, and is at its end.
        var request = UnbegunRequest()
        request.appendEnd(nil)
        queue.takeBack(exchange, request, because: failure, isLeaving: true)
    }
}

/// A CONNECT.
final class JSONClientTunnel: JSONClientStream {
    private var isOpen = false
    /// Which halves are closed.
    private var hasEnded = false
    private var hasServerEnded = false
    /// What the client sent before the server had agreed, bounded by its credit.
    private var early: [ByteBuffer] = []

    override func begin() {
        guard let exchange else { return }
        handler.send(.connectOpen(id: id, address: exchange.request.authority, exchange: exchange.id.rawValue))
        super.begin()
    }

    override func requestBody(_ bytes: ByteBuffer) {
        guard isOpen else { return early.append(bytes) }
        handler.send(.connectData(id: id, chunk: bytes), owing: bytes.readableBytes, to: self)
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        hasEnded = true
        if isOpen { handler.send(.connectClose(id: id, error: "")) }
        if hasServerEnded { end() }
    }

    override func requestAborted(_ failure: Failure) {
        handler.send(.connectClose(id: id, error: failure.message))
        end()
    }

    override func received(_ envelope: JSONEnvelope) {
        switch envelope {
        case .connectAck(_, ok: true, _) where !isOpen: opened()
        case .connectAck(_, ok: false, let error),
            .connectClose(_, let error) where !isOpen:
            fail(Failure(.originClosed, error.isEmpty ? "the server refused the connection" : error))
        case .connectData(_, let chunk) where isOpen && !hasServerEnded: pass(chunk)
        case .connectClose(_, let error):
            guard error.isEmpty else { return fail(Failure(.originClosed, error)) }
            hasServerEnded = true
            // Our servers take what the client still says, and its own end.
            if hasEnded { finish() } else { endResponse() }
        default: break
        }
    }

    override func receivedTooLarge() {
        let failure = Failure(.originInvalid, "the server sent a piece that is larger than this tunnel takes")
        handler.send(.connectClose(id: id, error: failure.message))
        fail(failure)
    }

    private func opened() {
        isOpen = true
        exchange?.sendResponseHead(ResponseHead(status: 200, reason: "Connection established"))
        exchange?.flushResponse()
        let waiting = early
        early = []
        for bytes in waiting { requestBody(bytes) }
        if hasEnded { handler.send(.connectClose(id: id, error: "")) }
    }
}

/// A WebSocket: a real one on the client's side, messages on the other.
final class JSONClientWebSocket: JSONClientStream {
    private var frames: WebSocketMessages
    private var ends = JSONWebSocketEnds()

    override init(handler: JSONHandler, id: String, exchange: Exchange) {
        frames = WebSocketMessages(from: .client, limit: handler.configuration.maxBody)
        super.init(handler: handler, id: id, exchange: exchange)
    }

    override func begin() {
        guard let request = exchange?.request else { return }
        handler.send(
            .webSocketOpen(
                id: id, url: JSONHeads.url(request), fields: JSONHeads.webSocketFields(request),
                client: exchange?.clientConnection?.name, exchange: exchange?.id.rawValue))
        super.begin()
    }

    override func received(_ envelope: JSONEnvelope) {
        switch envelope {
        case .webSocketAck(_, ok: true, _) where !ends.isOpen: opened()
        case .webSocketAck(_, ok: false, let error),
            .webSocketClose(_, _, let error) where !ends.isOpen:
            fail(Failure(.originClosed, error.isEmpty ? "the server refused the WebSocket" : error))
        case .webSocketMessage(_, let kind, let data) where ends.takesMessages:
            if let message = JSONWebSocket.message(kind, data) { write(message) }
        case .webSocketClose(_, let code, let error):
            switch ends.peerClosed(isLoss: JSONWebSocket.isLoss(code, error)) {
            case .lost: return fail(Failure(.originClosed, error.isEmpty ? "the WebSocket was lost" : error))
            case .tellSocket: write(WebSocketMessages.closing(code, error))
            case .nothing: break
            }
            // The client's own close is still to come, and is passed on.
            if ends.hasToldPeer { finish() } else { endResponse() }
        default: break
        }
    }

    override func receivedTooLarge() {
        let reason = "the message is larger than this tunnel takes"
        tellServer(JSONWebSocket.tooLarge, reason)
        guard ends.isOpen else { return fail(Failure(.originInvalid, reason)) }
        if ends.tellSocket() { write(WebSocketMessages.closing(JSONWebSocket.tooLarge, reason)) }
        finish()
    }

    private func write(_ message: WebSocketMessages.Message) {
        if message.opcode == .connectionClose { _ = ends.tellSocket() }
        pass(WebSocketMessages.encode(message, from: .server))
    }

    private func opened() {
        guard let exchange else { return }
        ends.opened()
        var head = ResponseHead(status: 101, reason: "Switching Protocols")
        head.fields.append("Upgrade", "websocket")
        head.fields.append(
            "Sec-WebSocket-Accept", WebSocketHandshake.accept(for: exchange.request.fields.first("Sec-WebSocket-Key") ?? ""))
        // The acknowledgement doesn't say which of several the origin took.
        let offered = exchange.request.fields["Sec-WebSocket-Protocol"].flatMap { $0.split(separator: ",") }
        if offered.count == 1 { head.fields.append("Sec-WebSocket-Protocol", offered[0].filter { $0 != " " }) }
        exchange.sendResponseHead(head)
        exchange.flushResponse()
    }

    override func requestBody(_ bytes: ByteBuffer) {
        var owing = bytes.readableBytes
        guard !ends.hasToldPeer else {
            exchange?.creditRequest(owing)
            return
        }
        frames.append(bytes)
        do {
            while !ends.hasToldPeer, let message = try frames.next() {
                send(message, owing: owing)
                owing = 0
            }
            if owing > 0 { exchange?.creditRequest(owing) }
        } catch {
            // The client is told as RFC 6455 wants it.
            let code = Int(error.code)
            tellServer(code, "the client broke the rules of WebSocket")
            if ends.tellSocket() { write(WebSocketMessages.closing(code, "")) }
            finish()
        }
    }

    private func send(_ message: WebSocketMessages.Message, owing bytes: Int) {
        guard message.opcode == .connectionClose else {
            return handler.send(
                .webSocketMessage(id: id, kind: JSONWebSocket.kind(message.opcode), data: message.data), owing: bytes, to: self)
        }
        exchange?.creditRequest(bytes)
        let (code, reason) = WebSocketMessages.closure(message.data)
        tellServer(code, reason)
        // The close is answered at once: the protocol has no close frame but this.
        if ends.tellSocket() { write(WebSocketMessages.Message(.connectionClose, message.data)) }
    }

    private func tellServer(_ code: Int, _ reason: String) {
        guard ends.tellPeer() else { return }
        handler.send(.webSocketClose(id: id, code: code, error: reason))
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        tellServer(JSONWebSocket.lost, "the client closed the connection")
        finish()
    }

    override func requestAborted(_ failure: Failure) {
        tellServer(JSONWebSocket.lost, failure.message)
        end()
    }
}
