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

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?

    private let connection: Inbound
    private let port: SOCKSPort
    private var context: ChannelHandlerContext?
    private var state: SOCKSState
    private var allowance = ReadAllowance(window: SOCKSHandler.window)
    private let output: ChannelOutput

    init(connection: Inbound, port: SOCKSPort) {
        self.connection = connection
        self.port = port
        self.output = ChannelOutput(port.scratches)
        self.state = SOCKSState(SOCKSNegotiation(port.configuration.authentication.rule))
    }

    private var exchange: Exchange? { state.exchange }

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
        state.end()?.abortRequest(failure)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent:
            if state.isNegotiating { context.close(promise: nil) }
        case ChannelEvent.inputClosed: inputClosed()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func inputClosed() {
        switch state.inputClosed() {
        case .endTunnel:
            guard let exchange else { return }
            exchange.sendRequestEnd()
            exchange.flushRequest()
            if exchange.hasEnded { output.close() }
        case .leave:
            end(Failure(.cancelled, "the client closed the connection before it was answered"))
            output.close()
        case .close: output.close()
        }
    }

    func expire(now: NIODeadline) {
        context?.close(promise: nil)
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch state.read(bytes) {
        case .negotiate: negotiate(context)
        case .passOn:
            allowance.spend(bytes.readableBytes)
            exchange?.sendRequestBody(bytes)
            regulate(context)
        case .drop: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushRequest()
        context.fireChannelReadComplete()
    }

    private func negotiate(_ context: ChannelHandlerContext) {
        while let step = state.next() {
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
        deadline = nil
        if !port.isIdentified { connection.admit() }
        let head = RequestHead(
            kind: .tunnel, method: "CONNECT", scheme: .none, authority: authority.text, path: "", body: .unknown)
        let exchange = Exchange(head, from: self, client: connection, on: port.shard)
        exchange.credentials = state.user.map { .password(user: $0.name, password: $0.password.revealed) }
        // A client may send ahead what is meant for the host; where it is refused, nothing of that arrives anywhere.
        let rest = state.begin(exchange)
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
        guard state.isTunnel else {
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
        guard state.isTunnel else { return }
        if state.isInputClosed { output.close() } else { output.closeOutput() }
    }

    override func responseAborted(_ failure: Failure) {
        _ = state.end()
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
        state.refuse()
        send(reply)
        guard !state.isInputClosed else { return output.close() }
        // Closing all of it while the client still sends would reset the connection and lose the reply.
        output.closeOutput()
        deadline = .now() + Self.lingering
    }
}

@available(*, unavailable)
extension SOCKSHandler: Sendable {}
