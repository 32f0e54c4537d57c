import HTTPMessages
import NIOCore
import Pipeline

/// Raw bytes both ways: a CONNECT, or an Upgrade that the origin agrees to. Each side ends its own half.
extension UpstreamHandler {
    func beginTunnel(_ exchange: Exchange) {
        follow(.tunnel)
        exchange.sendResponseHead(ResponseHead(status: 200, reason: "Connection established"))
        exchange.attach(self)
        requestFlush()
        exchange.flushResponse()
    }

    /// The origin has agreed to speak the other protocol from here on.
    func upgrade(_ exchange: Exchange, _ response: ResponseHead) {
        follow(.tunnel)
        if isPooled {
            // From here it serves nobody else, and must not keep others waiting.
            isPooled = false
            port.closed(self, origin)
        }
        exchange.sendResponseHead(response)
        let rest = parser.takeRest()
        guard rest.readableBytes > 0 else { return }
        allowance.spend(rest.readableBytes)
        exchange.sendResponseBody(rest)
    }

    /// The client has closed its half.
    func endTunnelRequest() {
        state.touch()
        if state.isInputClosed { output.close() } else { output.closeOutput() }
    }

    /// The origin has closed its half.
    func endTunnelResponse() {
        let isOver = exchange.map { $0.request.kind != .plain && $0.hasEnded } ?? true
        exchange?.sendResponseEnd()
        exchange?.flushResponse()
        if isOver || exchange?.hasEnded == true { output.close() }
    }
}
