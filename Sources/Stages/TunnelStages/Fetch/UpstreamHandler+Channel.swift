import NIOCore
import NIOSSL
import NIOTLS
import Pipeline

/// The connection's side: how it comes and goes, and what is read from it.
extension UpstreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.attach(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        output.detach()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        bulk.add(bytes.readableBytes)
        allowance.beginTurn()
        switch state.read() {
        case .passOn:
            allowance.spend(bytes.readableBytes)
            exchange?.sendResponseBody(bytes)
        case .parse:
            parser.append(bytes)
            parse(context)
        case .keep: parser.append(bytes)
        case .discard: discard()
        case .drop: break
        }
        if allowance.isOverdrawn { regulate(context) }
    }

    /// What was read has been given on, and mostly passed on as well: only now it shows whether reading has to stop. To stop and go on
    /// in each turn would be two system calls.
    func channelReadComplete(context: ChannelHandlerContext) {
        if state.isAnswered { finishTurn() } else { exchange?.flushResponse() }
        bulk.endTurn(context.channel, port.shard.readBuffers)
        allowance.endTurn()
        regulate(context)
    }

    func regulate(_ context: ChannelHandlerContext) {
        let isReading = regulateReading(context)
        follow(state.wait(isReading: isReading, hasDeadline: deadline != nil))
    }

    func regulateReading(_ context: ChannelHandlerContext) -> Bool {
        let exchange = exchange
        let mayRead = allowance.mayRead(isTaken: exchange != nil, isAccepted: exchange?.acceptsResponse ?? true)
        if let reading = allowance.change(to: mayRead) { context.channel.setReading(reading) }
        return mayRead
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Said twice for each write, and to nobody else: this is the last handler.
        if output.writabilityChanged() { settle() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            if let trace = exchange?.trace {
                trace.end(.handshake)
                trace.begin(.firstByte)
            }
            follow(state.secured(isReading: !allowance.isPaused))
            output.letGo()
            settle()
        }
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        switch state.inputClosed() {
        case .endTunnel: endTunnelResponse()
        case .endResponse: endResponse()
        case .complete: finishTurn()
        case .discard: discard()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many origins close TLS without saying so; whether something is missing the message's framing tells, if it has any.
        if case NIOSSLError.uncleanShutdown = error {
            state.tore()
            return
        }
        lastError = lastError ?? error
        discard()
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    /// Its trace shows what was waited for here in vain, whatever becomes of the exchange.
    func endWaiting(of exchange: Exchange, _ failure: Failure) {
        guard let trace = exchange.trace else { return }
        trace.end(.handshake, failure.message)
        trace.end(.firstByte, failure.message)
    }

    private func lost() {
        let lost = exchange
        let cause: UpstreamState.Cause = lastError.map { $0 is IOError ? .connectionError : .protocolError } ?? .end
        let action = state.closed(because: cause)
        // Connections that were tried and not taken are none of the pool's.
        guard action != .nothing else { return }
        port.shard.deadlines.remove(self)
        if action == .retry, let lost {
            endWaiting(of: lost, UpstreamFailure.lost(origin, lastError))
            return port.retry(lost, origin)
        }
        if isPooled { port.closed(self, origin) }
        guard let lost else { return }
        switch action {
        case .nothing, .leave, .retry: return
        case .complete(let trailers): lost.sendResponseEnd(trailers)
        case .completeTunnel where output.isComplete: lost.sendResponseEnd()
        case .completeTunnel, .abort:
            let failure = UpstreamFailure.lost(origin, lastError)
            endWaiting(of: lost, failure)
            lost.abortResponse(failure)
        }
        lost.flushResponse()
    }
}
