import NIOCore
import Pipeline

/// The agent's end of a stream: the sink of an exchange that the server answers.
final class MuxClientStream: ExchangeSink, MuxEnd {
    private weak var handler: MuxHandler<MuxClientStream>?
    private let slot: Int
    private let exchange: Exchange

    init(handler: MuxHandler<MuxClientStream>, slot: Int, exchange: Exchange) {
        self.handler = handler
        self.slot = slot
        self.exchange = exchange
    }

    // MARK: - From the exchange

    override func requestBody(_ bytes: ByteBuffer) { handler?.send(bytes, on: slot) }
    override func requestEnd(_ trailers: HeaderFields?) { handler?.sendEnd(trailers, on: slot) }
    override func requestAborted(_ failure: Failure) { handler?.reset(slot, failure) }
    override func responseCredit(_ bytes: Int) { handler?.consume(bytes, on: slot) }
    override func requestFlush() { handler?.flushSoon() }

    // MARK: - From the session

    func received(_ head: ResponseHead) { exchange.sendResponseHead(head) }
    func received(_ bytes: ByteBuffer) { exchange.sendResponseBody(bytes) }
    func receivedEnd(_ trailers: HeaderFields?) { exchange.sendResponseEnd(trailers) }
    func wasReset(_ failure: Failure) { exchange.abortResponse(failure) }
    func hasSent(_ bytes: Int) { exchange.creditRequest(bytes) }
    func flush() { exchange.flushResponse() }
    // A client's bytes are bounded for each exchange, not for the session.
    func resume() {}
    func detach() { handler = nil }
}
