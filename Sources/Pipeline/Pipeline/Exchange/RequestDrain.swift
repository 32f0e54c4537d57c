package import HTTPMessages
import NIOCore

/// Takes the place of a sink whose peer has said everything and takes no more of the request (RFC 9113, 8.1). In a tunnel that isn't
/// the end, for its client may not have read what was said: what it still says is dropped, until it has ended its side. One that
/// doesn't, and has had time for it, is cut off.
final class RequestDrain: ExchangeSink, Expiring {
    private static let patience = TimeAmount.seconds(60)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private var exchange: Exchange?
    /// Still accounts for what the client hasn't read.
    private let before: ExchangeSink?

    init(_ exchange: Exchange, after before: ExchangeSink?) {
        self.exchange = exchange
        self.before = before
        deadline = .now() + Self.patience
    }

    func begin() { exchange?.shard.deadlines.add(self) }

    override func requestBody(_ bytes: ByteBuffer) { exchange?.creditRequest(bytes.readableBytes) }
    override func requestAborted(_ failure: Failure) { forget() }
    override func responseCredit(_ bytes: Int) { before?.responseCredit(bytes) }

    override var heir: ExchangeSink? {
        // The exchange has ended.
        forget()
        return before?.heir
    }

    func expire(now: NIODeadline) {
        let open = exchange
        forget()
        open?.abortResponse(Failure(.originClosed, "the host takes no more, and the client didn't end its side"))
    }

    private func forget() {
        exchange?.shard.deadlines.remove(self)
        exchange = nil
    }
}

extension Exchange {
    /// The sink takes no more of the request, and nothing has gone wrong: an end behind the response's end. A response that isn't complete
    /// is aborted.
    package func dismissRequest(_ failure: Failure) {
        guard responseFlow.isComplete || responseFlow.ended, !isFinished else { return abortResponse(failure) }
        let drain = RequestDrain(self, after: sink)
        sink = drain
        drain.begin()
    }
}
