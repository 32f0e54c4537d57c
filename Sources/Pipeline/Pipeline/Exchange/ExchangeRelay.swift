public import HTTPMessages
public import NIOCore

/// Carries an exchange on as another one within it, for stages that do what a gate can't: begin anew, hold bytes back, make
/// more or fewer of them with the credit that belongs to that.
///
/// The relay is the outer exchange's sink and stands behind the inner one's source. As it is, it passes everything on. A
/// subclass overrides what it changes: the sink's methods for what comes from the client, those that begin with `inner` for
/// what comes from the other side. Each side's credit is its own: what is reported to one must be what it has sent.
/// Confined to the exchange's loop.
open class ExchangeRelay: ExchangeSink {
    /// The exchange that came to the stage. It is the one that counts and is logged.
    public let outer: Exchange
    /// The exchange within. Replaced by `begin`; the one before must have ended.
    public private(set) var inner: Exchange?
    private var isAttached = false

    /// A relay for an exchange, to which `begin` attaches it.
    public init(_ outer: Exchange) {
        self.outer = outer
    }

    /// Begins an inner exchange and hands it to the next stage. The first one gets what the client has sent so far.
    public func begin(_ request: RequestHead, towards next: any ExchangePort) {
        let inner = Exchange(request, within: outer, from: RelaySource(self))
        self.inner = inner
        if !isAttached {
            isAttached = true
            // Before the exchange goes on its way, so that a stage that opens something sees what is already there.
            outer.attach(self)
        }
        outer.passOnWithin()
        next.open(inner)
    }

    /// Ends both exchanges.
    public func fail(_ failure: Failure) {
        inner?.abortRequest(failure)
        outer.abortResponse(failure)
        outer.flushResponse()
    }

    // MARK: - From the outer exchange

    open override func requestBody(_ bytes: ByteBuffer) { inner?.sendRequestBody(bytes) }
    open override func requestEnd(_ trailers: HeaderFields?) { inner?.sendRequestEnd(trailers) }
    open override func requestAborted(_ failure: Failure) { inner?.abortRequest(failure) }
    open override func requestFlush() { inner?.flushRequest() }
    open override func responseCredit(_ bytes: Int) {
        if bytes > 0 { inner?.creditResponse(bytes) } else { inner?.regulateResponse() }
    }
    /// After the outer exchange's end the inner one is told itself, so that the two don't hold each other.
    open override var heir: ExchangeSink? { inner.map(LateCredit.init) }

    // MARK: - From the inner exchange

    /// A response's head of the inner exchange, informational ones included.
    open func innerHead(_ head: ResponseHead) {
        if let failure = inner?.failure { outer.failure = failure }
        if let told = inner?.toldFailure { outer.toldFailure = told }
        outer.sendResponseHead(head)
    }

    /// A part of its body.
    open func innerBody(_ bytes: ByteBuffer) { outer.sendResponseBody(bytes) }
    /// Its end.
    open func innerEnd(_ trailers: HeaderFields?) { outer.sendResponseEnd(trailers) }
    /// It has ended before its end.
    open func innerAborted(_ failure: Failure) { outer.abortResponse(failure) }
    /// Whoever answers it has no more for now.
    open func innerFlush() { outer.flushResponse() }
    /// So many bytes of its request have been passed on.
    open func innerCredit(_ bytes: Int) { outer.creditRequest(bytes) }
    /// Whether more of its response is taken now, beside the credit given.
    open func innerAccepts() -> Bool { outer.acceptsResponse }
}

/// The inner exchange's source. It and the relay hold each other until that exchange ends.
private final class RelaySource: ExchangeSource {
    private let relay: ExchangeRelay

    init(_ relay: ExchangeRelay) {
        self.relay = relay
    }

    override func responseHead(_ head: ResponseHead) { relay.innerHead(head) }
    override func responseBody(_ bytes: ByteBuffer) { relay.innerBody(bytes) }
    override func responseEnd(_ trailers: HeaderFields?) { relay.innerEnd(trailers) }
    override func responseAborted(_ failure: Failure) { relay.innerAborted(failure) }
    override func responseFlush() { relay.innerFlush() }
    override func requestCredit(_ bytes: Int) { relay.innerCredit(bytes) }
    override func acceptsResponse() -> Bool { relay.innerAccepts() }
    override func isInterrupted() -> Bool { relay.outer.isInterrupted }
}

/// Hands what comes after the end of an exchange to the one that was within it.
private final class LateCredit: ExchangeSink {
    private let inner: Exchange

    init(_ inner: Exchange) {
        self.inner = inner
    }

    override func lateResponseCredit(_ bytes: Int) { inner.creditResponse(bytes) }
    override func lateRequestAbandoned(_ failure: Failure) { inner.abandonRequest(failure) }
}

@available(*, unavailable)
extension ExchangeRelay: Sendable {}
