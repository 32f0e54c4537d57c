import NIOCore
import Pipeline

/// The server's end of a stream: the source of the exchange that the peer opened.
final class MuxServerStream: ExchangeSource, MuxEnd {
    private weak var handler: MuxHandler<MuxServerStream>?
    private let slot: Int
    private var exchange: Exchange?

    init(handler: MuxHandler<MuxServerStream>, slot: Int) {
        self.handler = handler
        self.slot = slot
    }

    func begin(_ exchange: Exchange) { self.exchange = exchange }

    // MARK: - From the exchange

    override func responseHead(_ head: ResponseHead) { handler?.send(head, on: slot) }
    override func responseBody(_ bytes: ByteBuffer) { handler?.send(bytes, on: slot) }
    override func responseEnd(_ trailers: HeaderFields?) { handler?.sendEnd(trailers, on: slot) }
    override func responseAborted(_ failure: Failure) { handler?.reset(slot, failure) }
    override func requestCredit(_ bytes: Int) { handler?.consume(bytes, on: slot) }
    override func responseFlush() { handler?.flushSoon() }
    override func acceptsResponse() -> Bool { handler?.acceptsData(from: slot) ?? true }

    // MARK: - From the session

    func received(_ head: ResponseHead) {}

    func received(_ bytes: ByteBuffer) {
        guard let exchange, !exchange.hasEnded else {
            // Answered before the request was complete: what is still on its way is of no use.
            handler?.consume(bytes.readableBytes, on: slot)
            return
        }
        exchange.sendRequestBody(bytes)
    }

    func receivedEnd(_ trailers: HeaderFields?) { exchange?.sendRequestEnd(trailers) }
    func wasReset(_ failure: Failure) { exchange?.abortRequest(failure) }
    func hasSent(_ bytes: Int) { exchange?.creditResponse(bytes) }
    func flush() { exchange?.flushRequest() }
    func resume() { exchange?.resumeResponse() }
    func detach() { handler = nil }
}
