import HTTPMessages
import NIOCore
import Pipeline

/// What an origin answers, up to the end of one response.
extension UpstreamHandler {
    func parse(_ context: ChannelHandlerContext) {
        do {
            while state.isAnswering, let part = try parser.next() {
                switch part {
                case .head(let head): received(head)
                case .body(let bytes):
                    allowance.spend(bytes.readableBytes)
                    exchange?.sendResponseBody(bytes)
                case .end(let trailers): state.receivedEnd(trailers)
                }
            }
        } catch {
            fail(Failure(.originInvalid, "\(origin.host) sent no valid HTTP: \(error.reason)"))
        }
    }

    private func received(_ head: HTTP1ResponseHead) {
        guard let exchange else { return }
        var response = ResponseHead(status: head.status, phrase: head.phrase, body: head.body, fields: head.fields)
        if head.isInformational {
            guard state.receivedInformational() else {
                return fail(Failure(.originInvalid, "\(origin.host) sent too many informational responses"))
            }
            return exchange.sendResponseHead(response)
        }
        let opensTunnel = response.opensTunnel(for: exchange.request)
        state.receivedHead(keepsAlive: head.keepAlive, opensTunnel: opensTunnel)
        if ConnectionAuthentication.isUsed(by: response) { claim(for: exchange) }
        if ConnectionAuthentication.isOffered(by: response) {
            let field = "Proxy-Support"
            // Where clients can't be told apart, no connection is kept for one.
            if exchange.clientConnection == nil {
                response.fields.remove(field)
            } else {
                response.fields.set(field, "Session-Based-Authentication")
            }
        }
        if opensTunnel {
            guard ProtocolChange.isAmong(exchange.request.fields["Upgrade"], head.upgrade) else {
                return fail(Failure(.originInvalid, "\(origin.host) changes to a protocol that nobody has asked for"))
            }
            return upgrade(exchange, response)
        }
        follow(.more)
        exchange.sendResponseHead(response)
    }

    /// The origin has closed its half, which for some responses is their end.
    func endResponse() {
        do {
            if case .end(let trailers)? = try parser.finish() {
                guard !state.isTorn else {
                    // RFC 9112, 9.8: it ends with its connection, and who ended that isn't known.
                    return fail(Failure(.originClosed, "\(origin.host) closed TLS without saying that its answer is complete"))
                }
                state.receivedEnd(trailers)
                return finishTurn()
            }
        } catch {
            if state.hasResponseBegun || error.code != .noResponse {
                return fail(Failure(.originClosed, "\(origin.host) closed the connection in the middle of its answer"))
            }
        }
        discard()
    }

    /// The response is complete, and all that came with it was read: what stands behind it is nobody's.
    func finishTurn() {
        guard let (ended, trailers, isReusable) = state.finishTurn(isClean: output.isDrained && parser.isIdle) else {
            return discard()
        }
        deadline = nil
        let isKept = isReusable && port.offer(self, origin)
        ended.sendResponseEnd(trailers)
        ended.flushResponse()
        if !isKept, !isReusable || !port.recycle(self, origin) { discard() }
    }
}
