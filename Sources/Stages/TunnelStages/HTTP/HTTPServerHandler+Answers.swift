import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// What becomes of a connection when an answer is written, or can't be.
extension HTTPServerHandler {
    /// The origin has answered a request to change the protocol.
    func upgrade(_ exchange: Exchange, agreed: Bool) {
        awaitsUpgrade = false
        guard agreed else {
            // What is there already may have been meant for the other protocol: it isn't taken for a request.
            if parser.bufferedBytes > 0 { keepAlive = false }
            parser.resume()
            // Else the end comes behind what is missing of the body.
            if isRequestComplete { exchange.sendRequestEnd() }
            return
        }
        // An origin may agree before it has all of the body, which then goes in front of the rest.
        mode = .tunnel
        let rest = parser.takeRest()
        guard rest.readableBytes > 0 else { return }
        allowance.spend(rest.readableBytes)
        exchange.sendRequestBody(rest)
        exchange.flushRequest()
    }

    /// Whether the connection can be used on after an answer that comes now.
    var isReusable: Bool { isRequestComplete || mode == .http && requestBody == .none }

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
        if exchange == nil, output.isDrained, mode == .http { process(context) }
    }

    /// The response is written: goes on to the next request, or ends the connection.
    func completeIfAnswered(_ context: ChannelHandlerContext) {
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
    func finish(_ context: ChannelHandlerContext) {
        mode = .lingering
        if allowance.shouldRead(true) { context.channel.setReading(true) }
        if isInputClosed || isRequestComplete && parser.bufferedBytes == 0 {
            output.close()
        } else {
            output.closeOutput()
            deadline = .now() + Self.lingering
        }
    }

    func refuse(_ status: Int, _ message: String, _ context: ChannelHandlerContext) {
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
        response.head(
            answer.head, to: request, minorVersion: minorVersion, keepAlive: false,
            date: port.date.value(for: answer.head, to: request))
        _ = response.write(ByteBuffer(string: answer.body))
        _ = response.body.end(nil)
        finish(context)
    }
}
