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
        case .over:
            parser.append(bytes)
        case .connecting, .closed:
            break
        }
        if allowance.isOverdrawn { regulate(context) }
    }

    /// What was read has been given on, and mostly passed on as well: only now it shows whether reading has to stop. To stop and go on
    /// in each turn would be two system calls.
    func channelReadComplete(context: ChannelHandlerContext) {
        if case .over(let trailers) = state { responseEnded(trailers) } else { exchange?.flushResponse() }
        bulk.endTurn(context.channel)
        regulate(context)
    }

    func regulate(_ context: ChannelHandlerContext) {
        let mayRead = exchange.map { !allowance.isUsedUp && $0.acceptsResponse } ?? true
        if allowance.shouldRead(mayRead) { context.channel.setReading(mayRead) }
        if case .http = state { watchResponse(isReading: mayRead) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Said twice for each write, and to nobody else: this is the last handler.
        if output.writabilityChanged() { settle() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            isSecured = true
            if case .http = state { expectFirstByte() }
            output.letGo()
            settle()
        }
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        isInputClosed = true
        switch state {
        case .raw: endTunnelResponse()
        case .http: endResponse()
        case .over(let trailers): responseEnded(trailers)
        case .idle, .connecting, .closed: discard()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many origins close TLS without saying so; whether something is missing the message's framing tells, if it has any.
        if case NIOSSLError.uncleanShutdown = error {
            isTorn = true
            return
        }
        lastError = lastError ?? error
        discard()
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    private func lost() {
        // Connections that were tried and not taken are none of the pool's.
        let before = state
        switch before {
        case .closed, .connecting: return
        case .idle, .http, .over, .raw: state = .closed
        }
        port.shard.deadlines.remove(self)
        let lost = exchange
        exchange = nil
        if case .http = before, let lost, !lost.hasEnded, lastError == nil || lastError is IOError, turn.mayRetry(lost.request) {
            return port.retry(lost, origin)
        }
        if isPooled { port.closed(self, origin) }
        guard let lost, !lost.hasEnded else { return }
        if case .raw = before, lastError == nil, endsTunnel(lost) { return }
        if case .over(let trailers) = before {
            lost.sendResponseEnd(trailers)
            return lost.flushResponse()
        }
        lost.abortResponse(UpstreamFailure.lost(origin, lastError))
        lost.flushResponse()
    }
}
