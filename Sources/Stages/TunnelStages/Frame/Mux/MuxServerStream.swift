import HTTPMessages
import NIOCore
import Pipeline

/// The server's end of a stream: the source of the exchange that the peer opened.
final class MuxServerStream: ExchangeSource {
    private let handler: MuxHandler
    private let slot: Int
    private(set) var exchange: Exchange?
    /// Of a stream that is over: what is not passed on. The exchange is held by whoever has it, and holds this.
    private var holding: MuxHolding?

    init(handler: MuxHandler, slot: Int) {
        self.handler = handler
        self.slot = slot
    }

    func begin(_ exchange: Exchange) { self.exchange = exchange }

    // MARK: - From the exchange

    override func responseHead(_ head: ResponseHead) {
        attached?.send(head, because: exchange?.failure ?? exchange?.toldFailure, on: slot)
    }
    override func responseBody(_ bytes: ByteBuffer) { attached?.send(bytes, on: slot) }
    override func responseEnd(_ trailers: HeaderFields?) { attached?.sendEnd(trailers, on: slot) }
    override func responseAborted(_ failure: Failure) { attached?.reset(slot, failure.onceBegun) }
    override func requestGivenBack(_ failure: Failure) { attached?.reset(slot, Failure(.refused, failure.message)) }
    override func lateResponseAbandoned(_ failure: Failure) { attached?.reset(slot, failure) }
    override func lateRequestCredit(_ bytes: Int) { requestCredit(bytes) }
    override var heir: ExchangeSource? { self }

    override func requestCredit(_ bytes: Int) {
        if let held = holding?.bytes {
            let settled = min(bytes, held)
            holding?.bytes -= settled
            handler.settle(settled)
        } else {
            handler.consume(bytes, on: slot)
        }
    }

    override func responseFlush() { attached?.flushSoon() }
    override func acceptsResponse() -> Bool { attached?.acceptsData(from: slot) ?? true }
    override func isInterrupted() -> Bool { attached?.isDetached ?? false }

    /// The session, while the slot is this end's.
    private var attached: MuxHandler? { holding == nil ? handler : nil }

    // MARK: - From the session

    func received(_ bytes: ByteBuffer) {
        guard let exchange, !exchange.hasEnded else {
            // Answered before the request was complete: what is still on its way is of no use.
            requestCredit(bytes.readableBytes)
            return
        }
        exchange.sendRequestBody(bytes)
    }

    func receivedEnd(_ trailers: HeaderFields?) { exchange?.sendRequestEnd(trailers) }
    func wasReset(_ failure: Failure) { exchange?.abortRequest(failure) }
    func hasSent(_ bytes: Int) { exchange?.creditResponse(bytes) }
    func flush() { exchange?.flushRequest() }
    func regulate() { exchange?.regulateResponse() }
    func detach(_ holding: MuxHolding) { self.holding = holding }
    func forget() { exchange = nil }

    /// Of a stream that is over: what is not passed on, in bytes, and since when some of it has been here at least.
    var leftover: (bytes: Int, since: NIODeadline) { holding.map { ($0.bytes, $0.since) } ?? (0, .distantPast) }

    deinit {
        if let holding { handler.settle(holding) }
    }
}
