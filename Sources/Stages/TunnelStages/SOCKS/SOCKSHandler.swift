import ConfigurationLanguage
import HTTPMessages
import Logging
import NIOCore
import Pipeline

/// One client's connection: a SOCKS5 negotiation, then the bytes of one tunnel.
final class SOCKSHandler: ExchangeSource, ChannelInboundHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What may be on its way to the exchange's sink, in bytes.
    private static let window = 128 << 10

    /// How long a client that was refused may take to close its half.
    private static let lingering = TimeAmount.seconds(5)

    private enum Mode {
        case negotiation
        /// The request was passed on; its reply has not come yet, or was that the bytes flow.
        case tunnel
        /// The last reply is written.
        case over
    }

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?

    private let connection: Inbound
    private let port: SOCKSPort
    private var context: ChannelHandlerContext?
    private var mode = Mode.negotiation
    private var negotiation: SOCKSNegotiation
    private var exchange: Exchange?
    private var isInputClosed = false
    private var allowance = ReadAllowance(window: SOCKSHandler.window)
    private let output: ChannelOutput

    init(connection: Inbound, port: SOCKSPort) {
        self.connection = connection
        self.port = port
        self.output = ChannelOutput(port.scratches)
        self.negotiation = SOCKSNegotiation(port.configuration.authentication.rule)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.attach(context)
        deadline = .now() + TimeAmount(port.configuration.negotiationTimeout)
        port.shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(Failure(.cancelled, "the client's connection was closed"))
        output.detach()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        if output.isComplete, let exchange {
            // The end of what the client had to say, if that isn't known yet.
            exchange.sendRequestEnd()
            exchange.flushRequest()
        }
        end(Failure(.cancelled, "the client closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(Failure(.cancelled, "the client's connection failed: \(ConnectionFailure.words(for: error))"))
        context.close(promise: nil)
    }

    private func end(_ failure: Failure) {
        port.shard.deadlines.remove(self)
        let open = exchange
        exchange = nil
        open?.abortRequest(failure)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent:
            if mode == .negotiation { context.close(promise: nil) }
        case ChannelEvent.inputClosed:
            isInputClosed = true
            guard mode == .tunnel, let exchange else { return output.close() }
            guard exchange.response != nil else {
                // Who doesn't wait for the answer has left.
                end(Failure(.cancelled, "the client closed the connection before it was answered"))
                return output.close()
            }
            exchange.sendRequestEnd()
            exchange.flushRequest()
            if exchange.hasEnded { output.close() }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func expire(now: NIODeadline) {
        context?.close(promise: nil)
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch mode {
        case .negotiation:
            negotiation.append(bytes)
            negotiate(context)
        case .tunnel:
            allowance.spend(bytes.readableBytes)
            exchange?.sendRequestBody(bytes)
            regulate(context)
        case .over:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushRequest()
        context.fireChannelReadComplete()
    }

    private func negotiate(_ context: ChannelHandlerContext) {
        while let step = negotiation.next() {
            switch step {
            case .send(let bytes):
                send(bytes)
            case .connect(let authority):
                begin(authority, context)
            case .refuse(let bytes, let reason):
                port.shard.logger.debug(
                    "SOCKS client refused", metadata: ["remote": "\(connection.remote)", "reason": "\(reason)"])
                finish(bytes)
            }
        }
    }

    private func begin(_ authority: Authority, _ context: ChannelHandlerContext) {
        mode = .tunnel
        deadline = nil
        if !port.isIdentified { connection.admit() }
        let head = RequestHead(
            kind: .tunnel, method: "CONNECT", scheme: .none, authority: authority.text, path: "", body: .unknown)
        let exchange = Exchange(head, from: self, client: connection, on: port.shard)
        exchange.credentials = negotiation.user.map { .password(user: $0.name, password: $0.password.revealed) }
        self.exchange = exchange
        // A client may send ahead what is meant for the host; where it is refused, nothing of that arrives anywhere.
        let rest = negotiation.takeRest()
        if rest.readableBytes > 0 {
            allowance.spend(rest.readableBytes)
            exchange.sendRequestBody(rest)
        }
        port.downstream.open(exchange)
        regulate(context)
    }

    private func regulate(_ context: ChannelHandlerContext) {
        if let reading = allowance.change(to: allowance.mayRead(isTaken: exchange != nil)) { context.channel.setReading(reading) }
    }

    override func requestCredit(_ bytes: Int) {
        allowance.earn(bytes)
        if let context, allowance.isPaused { regulate(context) }
    }

    // MARK: - Writing

    override func responseHead(_ head: ResponseHead) {
        guard !head.isInformational else { return }
        let reply = SOCKSReply(head)
        guard reply == .succeeded else {
            // What the answer says beyond that, SOCKS has no words for.
            return finish(reply.message)
        }
        send(reply.message)
    }

    override func responseBody(_ bytes: ByteBuffer) {
        guard mode == .tunnel else {
            exchange?.creditResponse(bytes.readableBytes)
            return
        }
        output.write(bytes)
    }

    override func responseFlush() {
        output.flush()
        settle()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if output.writabilityChanged() { settle() }
        context.fireChannelWritabilityChanged()
    }

    private func settle() {
        let credit = output.settle()
        if credit > 0 { exchange?.creditResponse(credit) }
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        guard mode == .tunnel else { return }
        if isInputClosed { output.close() } else { output.closeOutput() }
    }

    override func responseAborted(_ failure: Failure) {
        exchange = nil
        context?.reset()
    }

    override var heir: ExchangeSource? { self }

    override func lateResponseAbandoned(_ failure: Failure) {
        if !output.isDrained { context?.reset() }
    }

    private func send(_ message: ByteBuffer) {
        output.gather { _ = $0.writeImmutableBuffer(message) }
        output.flush()
    }

    private func finish(_ reply: ByteBuffer) {
        mode = .over
        send(reply)
        guard !isInputClosed else { return output.close() }
        // Closing all of it while the client still sends would reset the connection and lose the reply.
        output.closeOutput()
        deadline = .now() + Self.lingering
    }
}

@available(*, unavailable)
extension SOCKSHandler: Sendable {}
