import HTTPMessages
import NIOCore
import Pipeline

/// One connection, whose bytes are those of one tunnel.
final class ForwardHandler: ExchangeSource, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What may be on its way to the exchange's sink, in bytes.
    private static let window = 128 << 10

    private let connection: Inbound
    private let port: ForwardPort
    private var context: ChannelHandlerContext?
    private var state = ForwardState()
    private var allowance = ReadAllowance(window: ForwardHandler.window)
    private let output: ChannelOutput

    init(connection: Inbound, port: ForwardPort) {
        self.connection = connection
        self.port = port
        self.output = ChannelOutput(port.scratches)
    }

    private var exchange: Exchange? { state.exchange }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.attach(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(Failure(.cancelled, "the client's connection was closed"))
        output.detach()
        self.context = nil
    }

    /// Whoever is reached may be the first to speak, so nothing of the client's is waited for.
    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
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

    private func end(_ failure: Failure) { state.end()?.abortRequest(failure) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent:
            if exchange?.hasEnded ?? true { context.close(promise: nil) }
        case ChannelEvent.inputClosed:
            switch state.inputClosed() {
            case .endTunnel: endRequest()
            case .wait: break
            case .close: output.close()
            }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func endRequest() {
        guard let exchange else { return }
        exchange.sendRequestEnd()
        exchange.flushRequest()
        if exchange.hasEnded { output.close() }
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard state.isWaiting else { return }
        if !port.isIdentified { connection.admit() }
        let head = RequestHead(
            kind: .tunnel, method: "CONNECT", scheme: .none, authority: port.authority, path: "", body: .unknown)
        let exchange = Exchange(head, from: self, client: connection, on: port.shard)
        state.begin(exchange)
        port.downstream.open(exchange)
        regulate(context)
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        begin(context)
        guard let exchange else { return }
        allowance.spend(bytes.readableBytes)
        exchange.sendRequestBody(bytes)
        regulate(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushRequest()
        context.fireChannelReadComplete()
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
        switch state.answered(head.status) {
        case .flow(let isInputClosed): if isInputClosed { endRequest() }
        case .reset:
            // There are no words for it. What else comes of the answer is of no use.
            let exchange = state.end()
            context?.reset()
            exchange?.abortRequest(Failure(.cancelled, "a fixed way has no use for an answer"))
        case .nothing: break
        }
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
        // An exchange that was answered, and is no tunnel, has no use for what the client says either.
        if state.isInputClosed || exchange?.hasEnded ?? true { output.close() } else { output.closeOutput() }
    }

    override func responseAborted(_ failure: Failure) {
        _ = state.end()
        context?.reset()
    }

    override var heir: ExchangeSource? { self }

    override func lateResponseAbandoned(_ failure: Failure) {
        if !output.isDrained { context?.reset() }
    }
}

@available(*, unavailable)
extension ForwardHandler: Sendable {}
