import NIOCore
import Pipeline

/// One client's connection: reads requests, one after the other, and writes their responses.
final class HTTPServerHandler: ExchangeSource, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What one exchange may have on its way to its sink, in bytes; also what pipelined requests may hold here.
    private static let window = 128 << 10
    /// How long what a client still sends is thrown away, after an answer that ended the connection.
    private static let lingering = TimeAmount.seconds(5)
    /// How long a client that has closed its half waits for a response that doesn't move.
    private static let halfClosedPatience = TimeAmount.seconds(60)

    /// How long a new connection may take to send its request once the program drains.
    private static let drainPatience = TimeAmount.seconds(1)

    private enum Mode {
        case http
        /// Raw bytes, or to be so if the sink agrees.
        case tunnel
        /// The last response is written; what the client still sends is thrown away.
        case lingering
    }

    let connection: Inbound
    let port: HTTPPort
    var deadline: NIODeadline?
    var sweepIndex: Int?

    private var context: ChannelHandlerContext?
    private var mode = Mode.http
    private var parser = HTTP1RequestParser()
    private var exchange: Exchange?
    private let output: ChannelOutput
    private let response: HTTPResponseWriter
    /// The address that the client dialled. Making a text of it is a system's call that no proxied request wants.
    private lazy var here = connection.channel.localAddress?.shortDescription ?? ""
    /// The last exchange, while its response is on its way.
    private var unsettled: Exchange?
    private var isRequestComplete = false
    private var requestBody = BodyLength.none
    private var isInHead = false
    private var keepAlive = true
    private var minorVersion = 1
    private var isDraining = false
    private var hasBegun = false
    private var isInputClosed = false
    private var isProcessing = false
    private var allowance = ReadAllowance(window: HTTPServerHandler.window)

    init(connection: Inbound, port: HTTPPort) {
        self.connection = connection
        self.port = port
        self.output = ChannelOutput(port.scratches)
        self.response = HTTPResponseWriter(output)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.attach(context)
        port.meter.connections.add()
        port.meter.open.add(1)
        // A connection that says nothing, not even in its TLS handshake, is closed like one that sends a head too slowly.
        deadline = .now() + TimeAmount(port.configuration.headTimeout)
        port.shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(Failure(.cancelled, "the client's connection was closed"))
        self.context = nil
        output.detach()
        port.meter.open.add(-1)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if mode == .tunnel, let exchange {
            // Both halves closed without an error: the end of what the client had to say, if that isn't known yet.
            exchange.sendRequestEnd()
            exchange.flushRequest()
        }
        end(Failure(.cancelled, "the client closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(Failure(.cancelled, "the client's connection failed: \(error)"))
        context.close(promise: nil)
    }

    private func end(_ failure: Failure) {
        port.shard.deadlines.remove(self)
        let open = exchange
        exchange = nil
        unsettled = nil
        open?.abortRequest(failure)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent:
            isDraining = true
            if exchange == nil, parser.isIdle { drainIdle() }
        case ChannelEvent.inputClosed:
            inputClosed(context)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// One that has had its answer is closed. A new one may have its first request on the way: that is still answered.
    private func drainIdle() {
        guard !hasBegun else { return output.close() }
        deadline = .now() + Self.drainPatience
    }

    private func inputClosed(_ context: ChannelHandlerContext) {
        isInputClosed = true
        switch mode {
        case .tunnel:
            exchange?.sendRequestEnd()
            exchange?.flushRequest()
        case .http where exchange?.response != nil && isRequestComplete:
            // The client may still read. If it has gone, writing will show it; if nothing is written, its time is limited.
            // Before there is an answer, nothing would show it: then its leaving ends the request, as with most servers.
            keepAlive = false
            deadline = .now() + Self.halfClosedPatience
        case .http, .lingering:
            end(Failure(.cancelled, "the client closed the connection in the middle of a request"))
            output.close()
        }
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch mode {
        case .tunnel:
            allowance.spend(bytes.readableBytes)
            exchange?.sendRequestBody(bytes)
            regulate(context)
        case .http:
            parser.append(bytes)
            process(context)
        case .lingering:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushRequest()
        context.fireChannelReadComplete()
    }

    private func process(_ context: ChannelHandlerContext) {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        do {
            while case .http = mode, !(exchange != nil && isRequestComplete), let part = try parser.next() {
                switch part {
                case .head(let head):
                    begin(head, context)
                case .body(let bytes):
                    allowance.spend(bytes.readableBytes)
                    exchange?.sendRequestBody(bytes)
                case .end(let trailers):
                    isRequestComplete = true
                    // Answered by this end itself, it completes by itself; answered before, it waited for this end.
                    if let exchange { exchange.sendRequestEnd(trailers) } else { completeIfAnswered(context) }
                }
            }
        } catch {
            refuse(error.status, error.reason, context)
        }
        regulate(context)
    }

    /// Reads on only while what is read has somewhere to go.
    private func regulate(_ context: ChannelHandlerContext) {
        let waiting = mode == .http && exchange != nil && isRequestComplete
        let isFull = waiting ? parser.bufferedBytes >= Self.window : allowance.isUsedUp && exchange != nil
        if allowance.shouldRead(!isFull) { context.channel.setReading(!isFull) }
        guard mode == .http, exchange == nil, !isInputClosed else { return }
        if parser.isIdle {
            isInHead = false
            deadline = .now() + TimeAmount(port.configuration.keepAlive)
        } else if !isInHead {
            isInHead = true
            deadline = .now() + TimeAmount(port.configuration.headTimeout)
        }
    }

    private func begin(_ head: HTTP1RequestHead, _ context: ChannelHandlerContext) {
        isRequestComplete = false
        isInHead = false
        hasBegun = true
        requestBody = head.body
        keepAlive = head.keepAlive
        minorVersion = head.minorVersion
        deadline = nil
        allowance.reset()
        let pac = port.pac.flatMap { $0.isWanted(by: head.method, head.target) ? $0 : nil }
        let request: RequestHead
        do {
            // A request for the file is made as to a site: this one.
            request = try RequestTarget.interpret(
                head, mode: pac == nil ? port.configuration.mode : .origin, isSecure: connection.identity != nil, here: here)
        } catch {
            return refuse(error.status, error.message, context)
        }
        let exchange = Exchange(request, from: self, client: connection, on: port.shard)
        exchange.role = port.configuration.mode == .proxy ? .proxy : .origin
        exchange.credentials = head.proxyAuthorization.map { .proxyAuthorization($0) }
        self.exchange = exchange
        response.reset()
        if request.kind == .upgrade {
            // What follows is the other protocol's if the origin agrees, else the next request. It waits here.
            isRequestComplete = true
        }
        if request.kind == .tunnel {
            // Whatever follows belongs to the other protocol. It goes along at once: who opens a tunnel rarely waits for the
            // answer, and where it is refused nothing of it arrives anywhere.
            mode = .tunnel
            let rest = parser.takeRest()
            allowance.spend(rest.readableBytes)
            if rest.readableBytes > 0 { exchange.sendRequestBody(rest) }
        }
        if let pac { return answer(exchange, with: pac, asSeenFrom: head.host, here) }
        port.downstream.open(exchange)
    }

    private func answer(_ exchange: Exchange, with pac: PACFile, asSeenFrom host: String?, _ here: String) {
        // The address that the browser used, where it has a port; behind a forwarded port it is another than ours.
        let asked = host.flatMap { Authority($0) }
        guard let proxy = asked?.port == nil ? Authority(here) : asked else {
            return exchange.answer(LocalResponse(status: 404, body: "The proxy's address isn't known here.\n"))
        }
        exchange.answer(pac.response(proxy: proxy))
    }

    override func requestCredit(_ bytes: Int) {
        allowance.earn(bytes)
        if let context, allowance.isPaused { regulate(context) }
    }

    // MARK: - Writing

    override func responseHead(_ head: ResponseHead) {
        guard let exchange else { return }
        let opensTunnel = head.opensTunnel(for: exchange.request)
        if !head.isInformational { port.meter.responded(head.status) }
        if !head.isInformational, isDraining || (mode == .tunnel && !opensTunnel) { keepAlive = false }
        if exchange.request.kind == .upgrade, !head.isInformational { upgrade(exchange, agreed: opensTunnel) }
        response.head(head, to: exchange.request, minorVersion: minorVersion, keepAlive: keepAlive && isReusable)
    }

    /// The origin has answered a request to change the protocol.
    private func upgrade(_ exchange: Exchange, agreed: Bool) {
        guard agreed else {
            // What is there already may have been meant for the other protocol: it isn't taken for a request.
            if parser.bufferedBytes > 0 { keepAlive = false }
            parser.resume()
            return exchange.sendRequestEnd()
        }
        mode = .tunnel
        allowance.reset()
        let rest = parser.takeRest()
        guard rest.readableBytes > 0 else { return }
        allowance.spend(rest.readableBytes)
        exchange.sendRequestBody(rest)
        exchange.flushRequest()
    }

    /// Whether the connection can be used on after an answer that comes now.
    private var isReusable: Bool { isRequestComplete || mode == .http && requestBody == .none }

    override func responseBody(_ bytes: ByteBuffer) {
        guard let exchange, let context else { return }
        if !response.write(bytes) {
            exchange.abortRequest(Failure(.originInvalid, "the response's body is longer than its head says"))
            self.exchange = nil
            context.reset()
        }
    }

    override func responseFlush() {
        guard let context else { return }
        output.flush()
        settle(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if output.writabilityChanged() { settle(context) }
        context.fireChannelWritabilityChanged()
    }

    private func settle(_ context: ChannelHandlerContext) {
        guard output.isDrained else { return }
        let credit = output.settle()
        if let unsettled {
            self.unsettled = nil
            unsettled.creditResponse(credit)
        } else if credit > 0 {
            exchange?.creditResponse(credit)
        }
        if isInputClosed, deadline != nil, credit > 0 { deadline = .now() + Self.halfClosedPatience }
        // The next of several pipelined requests begins when the last response has gone out.
        if exchange == nil, output.isDrained, mode == .http { process(context) }
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        guard let context, let exchange else { return }
        if exchange.response?.opensTunnel(for: exchange.request) == true {
            output.closeOutput()
            if isInputClosed { finish(context) }
            return
        }
        self.exchange = nil
        guard response.body.end(trailers) else { return context.reset() }
        output.flush()
        // What isn't out yet is the exchange's still.
        if !output.isDrained { unsettled = exchange }
        _ = output.settle()
        completeIfAnswered(context)
    }

    override func responseAborted(_ failure: Failure) {
        exchange = nil
        context?.reset()
    }

    /// The response is written: goes on to the next request, or ends the connection.
    private func completeIfAnswered(_ context: ChannelHandlerContext) {
        guard exchange == nil, mode != .lingering else { return }
        // Answered at once: the end of a request without a body is still to be read.
        if mode == .http, !isRequestComplete, requestBody == .none { return }
        if keepAlive, isRequestComplete, mode == .http, !isInputClosed, !isDraining, response.body.framing != .untilClose {
            isRequestComplete = false
            if output.isDrained { process(context) }
        } else {
            finish(context)
        }
    }

    /// Ends the connection behind what was written. A close while the client still sends would reset the connection and lose
    /// the answer on its way (RFC 9112, 9.6): so our half first, and the rest when the client has closed its own.
    private func finish(_ context: ChannelHandlerContext) {
        mode = .lingering
        if allowance.shouldRead(true) { context.channel.setReading(true) }
        if isInputClosed || isRequestComplete && parser.bufferedBytes == 0 {
            output.close()
        } else {
            output.closeOutput()
            deadline = .now() + Self.lingering
        }
    }

    private func refuse(_ status: Int, _ message: String, _ context: ChannelHandlerContext) {
        if let exchange {
            // In the middle of a body: there may be half a response already.
            self.exchange = nil
            let isAnswered = exchange.response != nil
            exchange.abortRequest(Failure(.badRequest, message))
            if isAnswered { return context.reset() }
        }
        keepAlive = false
        isRequestComplete = false
        let answer = LocalResponse(status: status, body: message + "\n")
        port.meter.malformed.add()
        port.meter.responded(status)
        response.reset()
        let request = RequestHead(method: "GET", scheme: .http, authority: "-", path: "/")
        response.head(answer.head, to: request, minorVersion: minorVersion, keepAlive: false)
        _ = response.write(ByteBuffer(string: answer.body))
        _ = response.body.end(nil)
        finish(context)
    }
}

extension HTTPServerHandler: Expiring {
    func expire(now: NIODeadline) {
        guard let context else { return }
        deadline = nil
        switch mode {
        case .http where exchange == nil && !parser.isIdle && !isInputClosed:
            refuse(408, "The request's head did not come in time.", context)
        default:
            end(Failure(.cancelled, "the client was silent for too long"))
            context.close(promise: nil)
        }
    }
}
