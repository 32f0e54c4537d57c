import HTTPMessages
import NIOCore
import NIOHPACK
import NIOHTTP2
import Pipeline

/// The server's end of a stream: the source of the exchange that the client opened.
final class H2ServerStream: ExchangeSource, ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let connection: Inbound
    private let downstream: any ExchangePort
    private let shard: Shard
    private let meter: SessionMeter
    private var context: ChannelHandlerContext?
    private var exchange: Exchange?
    private var state = H2ServerStreamState()
    private var hasExchange = false
    private var allowance: ReadAllowance
    private let limits: H2PeerLimits
    private let date: DateField
    private let writer = H2StreamWriter()
    private let ids: PeerExchangeIDs
    private let waiting: H2WaitingDataHandler
    /// The client is an agent that takes reasons.
    private var correlates = false

    init(
        connection: Inbound, downstream: any ExchangePort, shard: Shard, meter: SessionMeter, window: Int, limits: H2PeerLimits,
        date: DateField, ids: PeerExchangeIDs, waiting: H2WaitingDataHandler
    ) {
        self.ids = ids
        self.waiting = waiting
        self.connection = connection
        self.downstream = downstream
        self.shard = shard
        self.meter = meter
        self.allowance = ReadAllowance(window: window)
        self.limits = limits
        self.date = date
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(Failure(.cancelled, "the stream was closed"))
        if state.hasBegun { meter.streamsClosed() }
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        meter.streamClosed(with: exchange, on: connection.channel)
        context.streamEnded(waiting: waiting)
        end(Failure(.cancelled, "the client closed the stream"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let code = (error as? NIOHTTP2Errors.StreamClosed)?.errorCode
        meter.streamClosed(with: exchange, on: connection.channel)
        end(
            code.map { Failure(h2Code: $0, from: "the client") }
                ?? Failure(.cancelled, "the client's connection failed: \(ConnectionFailure.words(for: error))"))
        context.close(promise: nil)
    }

    private func end(_ failure: Failure) {
        let open = exchange
        exchange = nil
        open?.abortRequest(failure)
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        state.beginDelivery()
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            switch state.receive(isLast: headers.endStream, isTunnel: isTunnel) {
            case .head:
                meter.streamOpened()
                begin(headers, context)
            case .trailers: requestEnded(H2Heads.trailers(headers.headers))
            case .violation:
                end(Failure(.protocolViolation, "the client sent fields in a tunnel"))
                context.resetStream(.protocolError)
            }
        case .data(let data):
            if case .byteBuffer(let bytes) = data.data, bytes.readableBytes > 0 {
                allowance.spend(bytes.readableBytes)
                exchange?.sendRequestBody(bytes)
            }
            if data.endStream { requestEnded(nil) }
            regulate(context)
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushRequest()
        state.endDelivery()
        context.fireChannelReadComplete()
    }

    private func begin(_ headers: HTTP2Frame.FramePayload.Headers, _ context: ChannelHandlerContext) {
        guard H2PeerLimits.listSize(headers.headers) <= H2Configuration.headLimit else {
            return refuse(H2Heads.Refusal(status: 431, message: "The head is too large."), context)
        }
        var request: RequestHead
        let authorization: String?
        let names: H2Heads.Names
        do throws(H2Heads.Refusal) {
            (request, authorization, names) = try H2Heads.request(headers.headers, isWhole: headers.endStream)
        } catch {
            return refuse(error, context)
        }
        let lastAnswer = MaxForwards.count(&request)
        let exchange = Exchange(request, from: self, client: connection, on: shard, id: ids.id(names.exchange))
        correlates = names.exchange != nil
        // Without a name it may be one of several clients, of a proxy in front of us or of an agent that says nothing of them.
        exchange.clientConnection = names.client.map { ClientConnection(connection, client: $0) }
        exchange.role = .proxy
        exchange.credentials = authorization.map { .proxyAuthorization($0) }
        self.exchange = exchange
        hasExchange = true
        if headers.endStream { requestEnded(nil) }
        if let lastAnswer { return exchange.answer(lastAnswer) }
        downstream.open(exchange)
    }

    private func refuse(_ refusal: H2Heads.Refusal, _ context: ChannelHandlerContext) {
        let answer =
            exchange == nil && !hasExchange
            ? Exchange.refusal(Failure(.badRequest, refusal.message), status: refusal.status, client: connection, on: shard)
            : LocalResponse(status: refusal.status, body: refusal.message + "\n")
        let request = RequestHead(method: "GET", scheme: .http, authority: "-", path: "/")
        var headers = H2Heads.headers(answer.head, to: request)
        if let value = date.value(for: answer.head, to: request) { headers.add(name: "date", value: value) }
        writer.write(headers)
        writer.write(ByteBuffer(string: answer.body), context)
        complete(nil, context)
    }

    private var isTunnel: Bool {
        exchange.map { $0.request.kind == .tunnel || $0.response?.opensTunnel(for: $0.request) == true } ?? false
    }

    private func requestEnded(_ trailers: HeaderFields?) {
        state.requestEnded()
        exchange?.sendRequestEnd(trailers)
    }

    private func regulate(_ context: ChannelHandlerContext) {
        guard let reading = allowance.change(to: allowance.mayRead(isTaken: exchange != nil)) else { return }
        context.setStreamReading(reading, isDelivering: state.isDelivering, waiting: waiting)
    }

    override func requestCredit(_ bytes: Int) {
        allowance.earn(bytes)
        if let context, allowance.isPaused { regulate(context) }
    }

    // MARK: - Writing

    override func responseHead(_ head: ResponseHead) {
        guard let exchange, let context else { return }
        var headers = H2Heads.headers(
            head, to: exchange.request, correlates: correlates, reason: exchange.failure ?? exchange.toldFailure)
        if let value = date.value(for: head, to: exchange.request) { headers.add(name: "date", value: value) }
        guard limits.allow(headers) else {
            if !head.isInformational { replace(exchange, context) }
            return
        }
        writer.write(headers)
        // Neither an informational head nor a tunnel's can wait for what follows.
        if head.isInformational || head.opensTunnel(for: exchange.request) { settle(writer.flush(context)) }
    }

    /// The client is told why it doesn't get the response.
    private func replace(_ exchange: Exchange, _ context: ChannelHandlerContext) {
        self.exchange = nil
        let refusal = H2Heads.Refusal(status: 502, message: "The response's head is larger than the client of this tunnel takes.")
        exchange.reset(Failure(.originInvalid, refusal.message))
        refuse(refusal, context)
    }

    override func responseBody(_ bytes: ByteBuffer) {
        guard let context, exchange != nil else { return }
        writer.write(bytes, context)
    }

    override func responseFlush() {
        guard let context, !state.isResponseComplete else { return }
        settle(writer.flush(context))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        settle(writer.settle(context))
        context.fireChannelWritabilityChanged()
    }

    private func settle(_ credit: Int) {
        if credit > 0 { exchange?.creditResponse(credit) }
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        guard let context, !state.isResponseComplete else { return }
        let trailers = trailers.map(H2Heads.headers(trailers:)).flatMap { limits.allow($0) ? $0 : nil }
        let opensTunnel = exchange.map { $0.response?.opensTunnel(for: $0.request) ?? false } ?? false
        if !opensTunnel { exchange = nil }
        complete(opensTunnel ? nil : trailers, opensTunnel: opensTunnel, context)
    }

    private func complete(_ trailers: HPACKHeaders?, opensTunnel: Bool = false, _ context: ChannelHandlerContext) {
        guard state.end(opensTunnel: opensTunnel) == .endAndDismiss else { return writer.end(trailers, context) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        writer.end(trailers, context, promise: sent)
        let stream = NIOLoopBound(context, eventLoop: context.eventLoop)
        sent.futureResult.whenSuccess { stream.value.resetStream(.noError) }
    }

    override func responseAborted(_ failure: Failure) {
        // One whose answer was replaced has no exchange any more.
        guard exchange != nil else { return }
        exchange = nil
        context?.resetStream(failure.onceBegun.h2Code)
    }

    override func requestGivenBack(_ failure: Failure) {
        guard exchange != nil else { return }
        exchange = nil
        context?.resetStream(.refusedStream)
    }
}

@available(*, unavailable)
extension H2ServerStream: Sendable {}
