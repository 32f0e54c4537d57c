import HTTPMessages
import NIOCore
import Pipeline

/// The agent's end of a stream: the sink of an exchange that the server answers.
final class MuxClientStream: ExchangeSink {
    private let handler: MuxHandler
    private let slot: Int
    private let queue: TunnelQueue
    private(set) var exchange: Exchange?
    /// What was sent, until an answer shows that the server has begun with it.
    private var request: UnbegunRequest? = UnbegunRequest()
    /// Of a stream that is over: what is not passed on. The exchange is held by whoever has it, and holds this.
    private var holding: MuxHolding?

    init(handler: MuxHandler, slot: Int, exchange: Exchange, queue: TunnelQueue) {
        self.handler = handler
        self.queue = queue
        self.slot = slot
        self.exchange = exchange
    }

    // MARK: - From the exchange

    override func requestBody(_ bytes: ByteBuffer) {
        request?.append(bytes)
        attached?.send(bytes, on: slot)
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        request?.appendEnd(trailers)
        attached?.sendEnd(trailers, on: slot)
    }

    override func requestAborted(_ failure: Failure) { attached?.reset(slot, failure) }
    override func requestFlush() { attached?.flushSoon() }
    override func lateRequestAbandoned(_ failure: Failure) { attached?.reset(slot, failure) }
    override func lateResponseCredit(_ bytes: Int) { responseCredit(bytes) }
    override var heir: ExchangeSink? { self }

    override func responseCredit(_ bytes: Int) {
        if let held = holding?.bytes {
            let settled = min(bytes, held)
            holding?.bytes -= settled
            handler.settle(settled)
        } else {
            handler.consume(bytes, on: slot)
        }
    }

    /// The session, while the slot is this end's.
    private var attached: MuxHandler? { holding == nil ? handler : nil }

    // MARK: - From the session

    func received(_ head: ResponseHead) {
        request = nil
        exchange?.sendResponseHead(head)
    }

    func received(_ reason: Failure) { exchange?.toldFailure = reason }

    func received(_ bytes: ByteBuffer) { exchange?.sendResponseBody(bytes) }
    func receivedEnd(_ trailers: HeaderFields?) { exchange?.sendResponseEnd(trailers) }

    func wasReset(_ failure: Failure) {
        guard let request, let exchange, failure.code == .refused || queue.mayRepeat(exchange, after: failure) else {
            // Behind a complete response it may only mean that no more of the request is wanted.
            if failure.code == .none { exchange?.dismissRequest(failure) } else { exchange?.abortResponse(failure) }
            return
        }
        // Nothing more of the exchange concerns this stream.
        self.exchange = nil
        queue.takeBack(exchange, request, because: failure, isLeaving: handler.isLeaving)
    }

    func hasSent(_ bytes: Int) {
        request?.credit(bytes)
        exchange?.creditRequest(bytes)
    }

    func flush() { exchange?.flushResponse() }
    func detach(_ holding: MuxHolding) { self.holding = holding }
    func forget() { exchange = nil }

    /// Of a stream that is over: what is not passed on, in bytes, and since when some of it has been here at least.
    var leftover: (bytes: Int, since: NIODeadline) { holding.map { ($0.bytes, $0.since) } ?? (0, .distantPast) }

    deinit {
        if let holding { handler.settle(holding) }
    }
}
