import Addresses
import HTTPMessages
import NIOCore
import Pipeline

/// One client's connection: reads requests, one after the other, and writes their responses.
final class HTTPServerHandler: ExchangeSource {
    /// What one exchange may have on its way to its sink, in bytes; also what pipelined requests may hold here.
    static let window = BulkReading.most
    /// How long what a client still sends is thrown away, after an answer that ended the connection.
    static let lingering = TimeAmount.seconds(5)
    /// How long a new connection may take to send its request once the program drains.
    static let drainPatience = TimeAmount.seconds(1)

    let connection: Inbound
    let port: HTTPPort
    var deadline: NIODeadline?
    var sweepIndex: Int?

    var context: ChannelHandlerContext?
    var state = HTTPServerState()
    var parser = HTTP1RequestParser()
    let output: ChannelOutput
    let response: HTTPResponseWriter
    /// The address that the client dialled. Making a text of it is a system's call that no proxied request wants.
    lazy var here = connection.channel.localAddress?.shortDescription ?? ""
    /// The last exchange, while its response is on its way.
    var unsettled: Exchange?
    var processing = SerialWork()
    var allowance = ReadAllowance(window: HTTPServerHandler.window)
    var bulk = BulkReading()

    init(connection: Inbound, port: HTTPPort) {
        self.connection = connection
        self.port = port
        self.output = ChannelOutput(port.scratches)
        self.response = HTTPResponseWriter(output)
    }

    var exchange: Exchange? { state.exchange }

    // MARK: - From the exchange

    override func requestCredit(_ bytes: Int) {
        allowance.earn(bytes)
        if let context, allowance.isPaused { regulate(context) }
    }

    override func responseHead(_ made: ResponseHead) {
        guard let exchange else { return }
        var head = made
        port.via?.pass(&head)
        let opensTunnel = head.opensTunnel(for: exchange.request)
        if !head.isInformational { port.meter.responded(head.status) }
        if exchange.request.kind == .upgrade, !head.isInformational { upgrade(exchange, agreed: opensTunnel) }
        let keepsAlive = state.responding(opensTunnel: opensTunnel, isInformational: head.isInformational)
        response.head(
            head, to: exchange.request, minorVersion: state.minorVersion, keepAlive: keepsAlive,
            date: port.date.value(for: head, to: exchange.request))
    }

    override func responseBody(_ bytes: ByteBuffer) {
        guard let exchange, let context else { return }
        if !response.write(bytes) {
            _ = state.end()
            exchange.abortRequest(Failure(.originInvalid, "the response's body is longer than its head says"))
            context.reset()
        }
    }

    override func responseFlush() {
        guard let context else { return }
        connection.isActive = true
        output.flush()
        settle(context)
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        guard let context, let exchange else { return }
        if exchange.response?.opensTunnel(for: exchange.request) == true {
            if state.isInputClosed { finish(context) } else { output.closeOutput() }
            return
        }
        guard response.body.end(trailers) else {
            _ = state.end()
            return context.reset()
        }
        let next = state.responseEnded(isUntilClose: response.body.framing == .untilClose)
        output.flush()
        // What isn't out yet is the exchange's still.
        if output.isDrained { exchange.creditResponse(output.settle()) } else { unsettled = exchange }
        goOn(next, context)
    }

    override var heir: ExchangeSource? { self }

    override func lateResponseAbandoned(_ failure: Failure) {
        // The next one begins when the last response is out.
        if !output.isDrained, exchange?.hasEnded ?? true { context?.reset() }
    }

    override func responseAborted(_ failure: Failure) {
        _ = state.end()
        context?.reset()
    }
}
