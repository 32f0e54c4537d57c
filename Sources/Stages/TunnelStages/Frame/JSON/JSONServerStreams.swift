import HTTPMessages
import NIOCore
import NIOWebSocket
import Pipeline

/// The server's end of a stream: the source of the exchange that the agent opened.
class JSONServerStream: ExchangeSource, JSONStream {
    fileprivate let handler: JSONHandler
    fileprivate let id: String
    var exchange: Exchange?
    fileprivate var account = JSONStreamAccount()

    init(handler: JSONHandler, id: String) {
        self.handler = handler
        self.id = id
    }

    func pass(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0, let exchange, !exchange.hasEnded else { return }
        account.hold(bytes.readableBytes)
        handler.hold(bytes.readableBytes)
        exchange.sendRequestBody(bytes)
    }

    override func requestCredit(_ bytes: Int) { handler.hold(-account.passedOn(bytes)) }

    override func lateRequestCredit(_ bytes: Int) { requestCredit(bytes) }
    override var heir: ExchangeSource? { self }

    /// Nothing more is said of this stream.
    fileprivate func end() {
        handler.remove(id)
        release()
    }

    /// Its exchange won't be completed, and nothing more is said of this stream.
    fileprivate func abort(_ failure: Failure) {
        let open = exchange
        end()
        open?.abortRequest(failure)
    }

    fileprivate func release() {
        handler.hold(-account.release())
        exchange = nil
    }

    func received(_ envelope: JSONEnvelope) {}
    func receivedTooLarge() {}

    func sessionClosed(_ failure: Failure) {
        let open = exchange
        release()
        open?.abortRequest(failure)
    }

    func hasSent(_ bytes: Int) { exchange?.creditResponse(bytes) }
    func flush() { exchange?.flushRequest() }
}

/// A plain request, whose response is collected: this protocol has it whole.
final class JSONServerRequest: JSONServerStream {
    private var head: ResponseHead?

    // Informational heads have no form in this protocol.
    override func responseHead(_ head: ResponseHead) {
        guard !head.isInformational else { return }
        self.head = head
        if case .known(let length) = head.body, length > handler.configuration.maxBody,
            exchange.map({ !head.isBodyless(for: $0.request) }) ?? true
        {
            refuse()
        }
    }

    override func responseBody(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard let exchange, head != nil else { return }
        switch account.collect(bytes, of: handler.configuration.maxBody, mayHold: handler.mayHold) {
        case .taken:
            handler.collect(count)
            exchange.creditResponse(count)
        case .tooLarge: refuse()
        case .crowded: answer(503, "the session holds as much as it may; try again")
        }
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        guard let head else { return }
        // What this side answers for want of an origin's answer has its own place.
        if let failure = exchange?.failure { return answer(head.status, failure.message) }
        // Without the body of a response to HEAD, say, its length would be lost.
        var fields = JSONHeads.endToEnd(head.fields)
        if let exchange, head.isBodyless(for: exchange.request), case .known(let length) = head.body {
            fields.append("Content-Length", "\(length)")
        }
        // The body counts until it has left.
        let whole = account.takeBody()
        handler.send(
            .httpResponse(id: id, status: head.status, fields: fields, body: whole, error: ""), owing: whole.readableBytes, to: self
        )
        end()
    }

    override func hasSent(_ bytes: Int) { handler.collect(-bytes) }

    override func responseAborted(_ failure: Failure) { answer(failure.status, failure.message) }

    private func refuse() {
        answer(502, "the answer is larger than this tunnel takes (\(handler.configuration.maxBody) bytes)")
    }

    private func answer(_ status: Int, _ reason: String) {
        handler.send(.failure(id: id, status: status, reason))
        abort(Failure(.cancelled, reason))
    }

    override func release() {
        handler.collect(-account.takeBody().readableBytes)
        head = nil
        super.release()
    }
}

/// A CONNECT. `connect_close` is taken for the end of one half; agents that take it for the end of both say nothing more, or close in
/// their turn.
final class JSONServerTunnel: JSONServerStream, Expiring {
    /// How long an agent whose host has ended may be silent.
    private static let patience = TimeAmount.seconds(60)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private var isOpen = false
    private var hasAgentEnded = false

    override func received(_ envelope: JSONEnvelope) {
        switch envelope {
        case .connectData(_, let chunk):
            if deadline != nil { deadline = .now() + Self.patience }
            pass(chunk)
        case .connectClose(_, let error) where error.isEmpty:
            hasAgentEnded = true
            let open = exchange
            if deadline != nil { end() }
            open?.sendRequestEnd()
        case .connectClose(_, let error): abort(Failure(.cancelled, error))
        default: break
        }
    }

    override func receivedTooLarge() {
        let failure = Failure(.cancelled, "the agent sent a piece that is larger than this tunnel takes")
        handler.send(
            isOpen ? .connectClose(id: id, error: failure.message) : .connectAck(id: id, ok: false, error: failure.message))
        abort(failure)
    }

    override func responseHead(_ head: ResponseHead) {
        guard !head.isInformational else { return }
        isOpen = (200..<300).contains(head.status)
        guard !isOpen else { return handler.send(.connectAck(id: id, ok: true, error: "")) }
        let reason = exchange?.failure?.message ?? "refused with \(head.status)"
        handler.send(.connectAck(id: id, ok: false, error: reason))
    }

    override func responseBody(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard isOpen else {
            exchange?.creditResponse(count)
            return
        }
        handler.send(.connectData(id: id, chunk: bytes), owing: count, to: self)
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        let open = exchange
        if isOpen { handler.send(.connectClose(id: id, error: "")) }
        guard !isOpen || hasAgentEnded else {
            deadline = .now() + Self.patience
            open?.shard.deadlines.add(self)
            return
        }
        end()
        open?.sendRequestEnd()
    }

    func expire(now: NIODeadline) {
        // While the host is what is waited for, the client isn't silent.
        guard account.held == 0 else {
            deadline = now + Self.patience
            return
        }
        let reason = "the host has ended, and the client was silent for too long"
        handler.send(.connectClose(id: id, error: reason))
        abort(Failure(.cancelled, reason))
    }

    override func release() {
        deadline = nil
        exchange?.shard.deadlines.remove(self)
        super.release()
    }

    override func responseAborted(_ failure: Failure) {
        handler.send(
            isOpen ? .connectClose(id: id, error: failure.message) : .connectAck(id: id, ok: false, error: failure.message))
        end()
    }
}

/// A WebSocket: messages on the agent's side, a real one on the other.
final class JSONServerWebSocket: JSONServerStream {
    private let key: String
    private var frames: WebSocketMessages
    private var ends = JSONWebSocketEnds()

    init(handler: JSONHandler, id: String, key: String) {
        self.key = key
        self.frames = WebSocketMessages(from: .server, limit: handler.configuration.maxBody)
        super.init(handler: handler, id: id)
    }

    override func received(_ envelope: JSONEnvelope) {
        switch envelope {
        case .webSocketMessage(_, let kind, let data):
            guard ends.takesMessages, let message = JSONWebSocket.message(kind, data) else { return }
            write(message)
        case .webSocketClose(_, let code, let error):
            switch ends.peerClosed(isLoss: JSONWebSocket.isLoss(code, error)) {
            case .lost: return abort(Failure(.cancelled, error.isEmpty ? "the client has gone" : error))
            case .tellSocket: write(WebSocketMessages.closing(code, error))
            case .nothing: break
            }
            exchange?.sendRequestEnd()
        default: break
        }
    }

    override func receivedTooLarge() {
        let reason = "the message is larger than this tunnel takes"
        guard ends.takesMessages else {
            if !ends.isOpen { handler.send(.webSocketAck(id: id, ok: false, error: reason)) }
            return abort(Failure(.cancelled, reason))
        }
        tellAgent(JSONWebSocket.tooLarge, reason)
        write(WebSocketMessages.closing(JSONWebSocket.tooLarge, reason))
        exchange?.sendRequestEnd()
    }

    private func write(_ message: WebSocketMessages.Message) {
        if message.opcode == .connectionClose { _ = ends.tellSocket() }
        pass(WebSocketMessages.encode(message, from: .client))
    }

    override func responseHead(_ head: ResponseHead) {
        guard !head.isInformational else { return }
        if head.status == 101, head.fields.first("Sec-WebSocket-Accept") == WebSocketHandshake.accept(for: key) {
            ends.opened()
            return handler.send(.webSocketAck(id: id, ok: true, error: ""))
        }
        let reason =
            head.status == 101
            ? "the origin's handshake is no WebSocket's" : exchange?.failure?.message ?? "answered with \(head.status)"
        handler.send(.webSocketAck(id: id, ok: false, error: reason))
        if head.status == 101 { abort(Failure(.originInvalid, reason)) }
    }

    override func responseBody(_ bytes: ByteBuffer) {
        var owing = bytes.readableBytes
        guard ends.isOpen, !ends.hasToldPeer else {
            exchange?.creditResponse(owing)
            return
        }
        frames.append(bytes)
        do {
            while !ends.hasToldPeer, let message = try frames.next() {
                send(message, owing: owing)
                owing = 0
            }
            // A part of a message, which `max-body` bounds.
            if owing > 0 { exchange?.creditResponse(owing) }
        } catch {
            let reason = "the origin broke the rules of WebSocket"
            tellAgent(Int(error.code), reason)
            abort(Failure(.originInvalid, reason))
        }
    }

    private func send(_ message: WebSocketMessages.Message, owing bytes: Int) {
        guard message.opcode == .connectionClose else {
            return handler.send(
                .webSocketMessage(id: id, kind: JSONWebSocket.kind(message.opcode), data: message.data), owing: bytes, to: self)
        }
        exchange?.creditResponse(bytes)
        // Answered with the agent's, if that isn't what this answers.
        let (code, reason) = WebSocketMessages.closure(message.data)
        tellAgent(code, reason)
    }

    private func tellAgent(_ code: Int, _ reason: String) {
        guard ends.tellPeer() else { return }
        handler.send(.webSocketClose(id: id, code: code, error: reason))
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        let open = exchange
        if ends.isOpen { tellAgent(JSONWebSocket.lost, "the origin closed the connection") }
        end()
        open?.sendRequestEnd()
    }

    override func responseAborted(_ failure: Failure) {
        if ends.isOpen {
            tellAgent(JSONWebSocket.lost, failure.message)
        } else {
            handler.send(.webSocketAck(id: id, ok: false, error: failure.message))
        }
        end()
    }
}
