import HTTPMessages
import NIOCore
import NIOHPACK
import NIOHTTP2
import Pipeline

/// The agent's end of a stream: the sink of an exchange that the server answers.
final class H2ClientStream: ExchangeSink, ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let session: H2ClientSession
    private let queue: TunnelQueue
    private var exchange: Exchange?
    /// What was sent, until an answer shows that the server has begun with it.
    private var request: UnbegunRequest? = UnbegunRequest()
    private var context: ChannelHandlerContext?
    private var state = H2ClientStreamState()
    private var allowance: ReadAllowance
    private let writer = H2StreamWriter()

    init(session: H2ClientSession, exchange: Exchange, queue: TunnelQueue, window: Int) {
        self.session = session
        self.queue = queue
        self.exchange = exchange
        self.allowance = ReadAllowance(window: window)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.connectionLost(to: session.connection.host))
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        session.meter.streamClosed(with: exchange, on: session.connection.channel)
        context.streamEnded(waiting: session.waiting)
        let failure = Failure.connectionLost(to: session.connection.host)
        if isUnbegun(context) { takeBack(failure) } else { fail(failure) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let code = (error as? NIOHTTP2Errors.StreamClosed)?.errorCode
        session.meter.streamClosed(with: exchange, on: session.connection.channel)
        let failure =
            code.map { Failure(h2Code: $0, from: session.connection.host) }
            ?? .connectionFailed(to: session.connection.host, error)
        if isUnbegun(context, code) {
            takeBack(failure.code == .refused ? failure : Failure(.refused, "\(session.connection.host) is going away"))
        } else if code == .noError {
            // Behind a complete response it only means that no more of the request is wanted (RFC 9113, 8.1).
            let dismissed = exchange
            exchange = nil
            dismissed?.dismissRequest(Failure(.originClosed, failure.message))
            dismissed?.flushResponse()
        } else {
            // What the server ended without an answer is no wish of the client's.
            fail(failure.code == .cancelled ? Failure(.originClosed, failure.message) : failure)
        }
        context.close(promise: nil)
    }

    /// Whether the server can't have begun with the request: it has refused the stream, leaves it out in going away, or has never
    /// heard of it.
    private func isUnbegun(_ context: ChannelHandlerContext, _ code: HTTP2ErrorCode? = nil) -> Bool {
        guard request != nil, let options = context.channel.syncOptions else { return false }
        guard let stream = try? options.getOption(HTTP2StreamChannelOptions.streamID) else { return true }
        return code == .refusedStream || session.hasLeftOut(stream)
    }

    private func takeBack(_ failure: Failure) {
        guard let exchange, let request else { return }
        self.exchange = nil
        queue.takeBack(exchange, request, because: failure, isLeaving: session.isLeaving)
    }

    private func fail(_ failure: Failure) {
        if let exchange, queue.mayRepeat(exchange, after: failure) { return takeBack(failure) }
        let failed = exchange
        exchange = nil
        failed?.abortResponse(failure)
        failed?.flushResponse()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard let exchange, !exchange.hasEnded else { return context.close(promise: nil) }
        let headers = H2Heads.headers(
            exchange.request, takesClientNames: session.takesClientNames, correlates: session.correlates,
            names: H2Heads.Names(client: exchange.clientConnection?.name, exchange: exchange.id.rawValue))
        guard let headers, exchange.request.kind != .upgrade || session.takesWebSockets else {
            return answer(
                LocalResponse(
                    status: 501, body: "The tunnel speaks HTTP/2, and its server doesn't change to this protocol there.\n"), context
            )
        }
        guard session.limits.allow(headers) else {
            return answer(
                LocalResponse(status: 431, body: "The request's head is larger than the tunnel's server takes.\n"), context)
        }
        writer.write(headers)
        exchange.attach(self)
        // At the end of this turn, when it is known whether a body follows.
        context.eventLoop.assumeIsolated().execute { self.requestFlush() }
    }

    /// Whether there is something to be written; an exchange that the connection doesn't take any more is given back.
    private func mayWrite(_ write: H2ClientStreamState.Write, _ context: ChannelHandlerContext) -> Bool {
        switch write {
        case .go: return true
        case .nothing: return false
        case .giveBack:
            takeBack(Failure(.refused, "\(session.connection.host) is going away"))
            context.close(promise: nil)
            return false
        }
    }

    /// Ends a stream of which nothing has been sent.
    private func answer(_ answer: LocalResponse, _ context: ChannelHandlerContext) {
        let answered = exchange
        exchange = nil
        answered?.answer(answer)
        answered?.flushResponse()
        context.close(promise: nil)
    }

    // MARK: - From the exchange

    override func requestBody(_ bytes: ByteBuffer) {
        request?.append(bytes)
        guard let context, mayWrite(state.write(isLeaving: session.isLeaving), context) else { return }
        writer.write(bytes, context)
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        guard let context else { return }
        let write = state.end(isLeaving: session.isLeaving)
        if write != .nothing { request?.appendEnd(trailers) }
        guard mayWrite(write, context) else { return }
        writer.end(trailers.map(H2Heads.headers(trailers:)).flatMap { session.limits.allow($0) ? $0 : nil }, context)
    }

    override func requestFlush() {
        guard let context, mayWrite(state.flush(isLeaving: session.isLeaving), context) else { return }
        settle(writer.flush(context))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        settle(writer.settle(context))
        context.fireChannelWritabilityChanged()
    }

    private func settle(_ credit: Int) {
        guard credit > 0 else { return }
        request?.credit(credit)
        exchange?.creditRequest(credit)
    }

    override func requestAborted(_ failure: Failure) {
        exchange = nil
        context?.resetStream(.cancel)
    }

    override func responseCredit(_ bytes: Int) {
        allowance.earn(bytes)
        if allowance.isPaused, let context { regulate(context) }
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        state.beginDelivery()
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            request = nil
            switch state.fields(isTunnel: exchange.map { $0.response?.opensTunnel(for: $0.request) == true } ?? false) {
            case .head: received(headers)
            case .trailers: ended(H2Heads.trailers(headers.headers))
            case .violation: violated("fields in a tunnel")
            }
        case .data(let data):
            if case .byteBuffer(let bytes) = data.data, bytes.readableBytes > 0 {
                allowance.spend(bytes.readableBytes)
                // A frame of the library's is a slice of all that was read, and what isn't taken would keep that from being freed.
                exchange?.sendResponseBody(bytes.isSparse ? bytes.compacted() : bytes)
            }
            if data.endStream { ended(nil) }
            regulate(context)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushResponse()
        state.endDelivery()
        context.fireChannelReadComplete()
    }

    private func received(_ headers: HTTP2Frame.FramePayload.Headers) {
        guard let exchange else { return }
        guard H2PeerLimits.listSize(headers.headers) <= H2Configuration.headLimit else {
            fail(Failure(.originInvalid, "\(session.connection.host) sent a response's head that is too large"))
            context?.resetStream(.cancel)
            return
        }
        guard var head = H2Heads.response(headers.headers, to: exchange.request, isWhole: headers.endStream) else {
            return violated("a malformed response")
        }
        if head.isInformational {
            guard state.receiveInformational() else { return violated("too many informational responses") }
            return exchange.sendResponseHead(head)
        }
        // What it asks for is for this program to know: what clients say to the agent ends there, so asking them would help nobody
        // and have a browser give its user's password to whoever asked.
        guard head.status != 407 else {
            fail(
                Failure(
                    .forbidden, "\(session.connection.host) asks the agent for credentials (407), and it has only a certificate"))
            context?.resetStream(.cancel)
            return
        }
        state.receiveFinal()
        if session.correlates, let reason = headers.headers.first(name: ToldReason.field) {
            head.fields.remove(ToldReason.field)
            exchange.toldFailure = ToldReason.failure(H2Text.withBytes(reason) { String(decoding: $0, as: UTF8.self) })
        }
        exchange.sendResponseHead(head)
        if headers.endStream { ended(nil) }
    }

    private func violated(_ what: String) {
        // In this order: the reset may have the channel hand over what else has come.
        fail(Failure(.protocolViolation, "\(session.connection.host) sent \(what)"))
        context?.resetStream(.protocolError)
    }

    private func ended(_ trailers: HeaderFields?) {
        guard let exchange else { return }
        exchange.sendResponseEnd(trailers)
        exchange.flushResponse()
        if exchange.hasEnded { self.exchange = nil }
    }

    private func regulate(_ context: ChannelHandlerContext) {
        let mayRead = allowance.mayRead(isTaken: exchange != nil, isAccepted: exchange?.acceptsResponse ?? true)
        guard let reading = allowance.change(to: mayRead) else { return }
        context.setStreamReading(reading, isDelivering: state.isDelivering, waiting: session.waiting)
    }
}

@available(*, unavailable)
extension H2ClientStream: Sendable {}
