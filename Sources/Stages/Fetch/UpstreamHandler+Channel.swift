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
        switch state {
        case .raw:
            touch()
            allowance.spend(bytes.readableBytes)
            exchange?.sendResponseBody(bytes)
        case .http, .idle:
            parser.append(bytes)
            parse(context)
        case .connecting, .closed:
            break
        }
        if allowance.isOverdrawn { regulate(context) }
    }

    /// What was read has been given on, and mostly passed on as well: only now it shows whether reading has to stop. To stop and go on
    /// in each turn would be two system calls.
    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushResponse()
        bulk.endTurn(context.channel)
        regulate(context)
    }

    func regulate(_ context: ChannelHandlerContext) {
        let mayRead = exchange.map { !allowance.isUsedUp && $0.acceptsResponse } ?? true
        if allowance.shouldRead(mayRead) { context.channel.setReading(mayRead) }
        if state == .http { watchResponse(isReading: mayRead) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Said twice for each write, and to nobody else: this is the last handler.
        if output.writabilityChanged() { settle() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            isSecured = true
            if state == .http { expectFirstByte() }
            output.letGo()
            settle()
        }
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        isInputClosed = true
        switch state {
        case .raw: endTunnelResponse()
        case .http: endResponse(context)
        case .idle, .connecting, .closed: context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many origins close TLS without saying so; whether something is missing the message's framing tells.
        if case NIOSSLError.uncleanShutdown = error { return }
        lastError = lastError ?? error
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    private func lost() {
        // Connections that were tried and not taken are none of the pool's.
        guard state != .closed, state != .connecting else { return }
        let before = state
        state = .closed
        port.shard.deadlines.remove(self)
        let lost = exchange
        exchange = nil
        if isPooled { port.closed(self, origin) }
        guard let lost, !lost.hasEnded else { return }
        if before == .raw, lastError == nil, endsTunnel(lost) { return }
        if before == .http, lastError == nil || lastError is IOError, turn.mayRetry(lost.request) {
            return port.retry(lost, origin)
        }
        lost.abortResponse(UpstreamFailure.lost(origin, lastError))
        lost.flushResponse()
    }
}
