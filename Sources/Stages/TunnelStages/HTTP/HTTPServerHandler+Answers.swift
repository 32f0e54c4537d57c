import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// What becomes of a connection when an answer is written, or can't be.
extension HTTPServerHandler {
    /// The origin has answered a request to change the protocol.
    func upgrade(_ exchange: Exchange, agreed: Bool) {
        switch state.upgraded(agreed, hasMore: parser.bufferedBytes > 0) {
        case .resume(let endsRequest):
            parser.resume()
            if endsRequest { exchange.sendRequestEnd() }
        case .tunnel:
            let rest = parser.takeRest()
            guard rest.readableBytes > 0 else { return }
            allowance.spend(rest.readableBytes)
            exchange.sendRequestBody(rest)
            exchange.flushRequest()
        }
    }

    func settle(_ context: ChannelHandlerContext) {
        guard output.isDrained else { return }
        let credit = output.settle()
        if let unsettled {
            self.unsettled = nil
            unsettled.creditResponse(credit)
        } else if credit > 0 {
            exchange?.creditResponse(credit)
        }
        // The next of several pipelined requests begins when the last response has gone out.
        if state.isWaiting, output.isDrained { process(context) }
    }

    /// The response is written: goes on to the next request, or ends the connection.
    func goOn(_ next: HTTPServerState.OnResponseEnd, _ context: ChannelHandlerContext) {
        switch next {
        case .readEnd: break
        case .next: if output.isDrained { process(context) }
        case .finish(let hasAll): finish(context, hasAll: hasAll)
        }
    }

    /// Ends the connection behind what was written. A close while the client still sends would reset the connection and lose
    /// the answer on its way (RFC 9112, 9.6): so our half first, and the rest when the client has closed its own.
    func finish(_ context: ChannelHandlerContext, hasAll: Bool = false) {
        state.finish()
        if let reading = allowance.change(to: true) { context.channel.setReading(reading) }
        if state.isInputClosed || hasAll && parser.bufferedBytes == 0 {
            output.close()
        } else {
            output.closeOutput()
            deadline = .now() + Self.lingering
        }
    }

    /// What the client sent is no request.
    func refuse(_ status: Int, _ message: String, method: String = "-", _ context: ChannelHandlerContext) {
        let failure = Failure(.badRequest, message)
        let interrupted = state.end()
        if let exchange = interrupted {
            // In the middle of a body: there may be half a response already.
            let isAnswered = exchange.response != nil
            exchange.abortRequest(Failure(.badRequest, message))
            if isAnswered { return context.reset() }
        }
        // One that had an exchange has its line in the log by that.
        let answer =
            interrupted == nil
            ? Exchange.refusal(failure, status: status, method: method, client: connection, on: port.shard)
            : LocalResponse(status: status, body: message + "\n")
        port.meter.malformed.add()
        port.meter.responded(status)
        response.reset()
        let request = RequestHead(method: "GET", scheme: .http, authority: "-", path: "/")
        response.head(
            answer.head, to: request, minorVersion: state.minorVersion, keepAlive: false,
            date: port.date.value(for: answer.head, to: request))
        _ = response.write(ByteBuffer(string: answer.body))
        _ = response.body.end(nil)
        finish(context)
    }
}
