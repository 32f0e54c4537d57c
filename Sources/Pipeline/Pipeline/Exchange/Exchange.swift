public import HTTPMessages
public import NIOCore

/// One HTTP request and its response, streaming both ways; a CONNECT or an Upgrade turns into raw bytes both ways.
///
/// An exchange joins the source that began it with the sink that answers it, through the gates of the filters between. All of
/// it happens on one event loop, in plain calls. Bytes that the receiving side has passed on are reported back as credit; a
/// side that gets no credit stops reading, so that nothing on the way grows without bound.
public final class Exchange {
    /// The name of the exchange in logs, the same at both ends of a tunnel. An exchange within another has that one's.
    public let id: ExchangeID
    /// The event loop's part of the plan, to whose loop the exchange is confined.
    public let shard: Shard
    /// Who it is from, and where it may go.
    var standing: ExchangeStanding
    /// The request's head: as the client sent it, with what the gates that it has passed have changed.
    public internal(set) var request: RequestHead
    /// The final response's head, once it has passed the gates. Without its fields, which are not kept.
    public internal(set) var response: ResponseHead?
    /// Body bytes as the client sent them, and as they went to the client.
    public internal(set) var requestBytes: Int64 = 0
    /// Body bytes of the response as they went to the client.
    public internal(set) var responseBytes: Int64 = 0
    /// When the source began the exchange.
    public let began: NIODeadline
    /// When it ended; when it began, before that.
    public internal(set) var ended: NIODeadline
    /// Why the exchange ended before its end, if it did.
    public package(set) var failure: Failure?
    /// Why the other end of the tunnel answered in the origin's place, in its words; nil where it didn't, or doesn't say. For logs alone: what
    /// stages go by is the response.
    public package(set) var toldFailure: Failure?

    /// The exchange that this one is a part of, see `ExchangeRelay`. It is the one that counts and is logged.
    let outer: Exchange?
    var source: ExchangeSource?
    var sink: ExchangeSink?
    /// Who is owed credit after the end.
    private(set) var heirs = CreditHeirs()
    /// What a sink before had been given of the request when it turned out that nothing of it was begun.
    var returned: UnbegunRequest?
    /// Bytes that are to be passed on anew, and earned their credit the first time.
    var creditedAhead = 0
    /// How often a peer has said that it didn't begin the exchange.
    package var refusals = 0
    var gates: [Gate] = []
    var requestFlow = ExchangeFlow()
    var responseFlow = ExchangeFlow()
    var isFinished = false
    /// How an exchange counts whose response was made by `respond`.
    private var answered: ExchangeOutcome?
    /// The place of the stage at which it ended, from 0; nil before that.
    package private(set) var endedPlace: Int?
    var progress: ExchangeProgress
    /// What the stages have said, if this is the outermost of exchanges within each other; nothing while nobody asks.
    var ownVerdicts = VerdictList()
    /// What records it as a span of a trace; nil for one that no trace is for. One within another has that one's.
    package let trace: ExchangeTrace?
    /// Its place among the shard's open exchanges; the shard's own.
    var openIndex: Int?
    /// Called once, should the exchange end. For who looks for a way for it and isn't its sink yet, so that he stops; he sets it to nil when
    /// he has found one.
    package var whenAbandoned: (() -> Void)?
    /// Takes the exchange back, once, when nothing of it was begun and there is nobody now who could; false where that is the end of it.
    package var whenUnavailable: ((Exchange) -> Bool)?

    /// An exchange that a source begins, once it has the request's head. It counts among the shard's open ones until it has ended. Runs on
    /// the shard's loop; the source hands the exchange to a port next.
    /// - Parameter id: The one that it has at the end of the tunnel that it comes from; nil for a new one.
    public init(_ request: RequestHead, from source: ExchangeSource, client: Inbound, on shard: Shard, id: ExchangeID? = nil) {
        self.id = id ?? shard.nextID()
        self.shard = shard
        self.standing = ExchangeStanding(client)
        var request = request
        self.trace = shard.tracer?.begin(&request)
        self.request = request
        self.source = source
        self.outer = nil
        let now = NIODeadline.now()
        self.began = now
        self.ended = now
        self.progress = ExchangeProgress(arrived: now)
        requestFlow.isAwaiting = true
        shard.register(self)
    }

    deinit {
        // One that was forgotten by both of its ends.
        if openIndex != nil { shard.remove(self) }
    }

    /// An exchange within another: one attempt at it, or the part of it behind a stage that rewrites bodies.
    package init(_ request: RequestHead, within outer: Exchange, from source: ExchangeSource) {
        self.id = outer.id
        self.shard = outer.shard
        self.standing = outer.standing
        self.request = request
        self.source = source
        self.outer = outer
        self.trace = outer.trace
        let now = NIODeadline.now()
        self.began = now
        self.ended = now
        self.progress = ExchangeProgress(arrived: now)
        requestFlow.isAwaiting = true
    }

    /// The sink takes the exchange. What the client sent in the meantime reaches it before this returns.
    public func attach(_ sink: ExchangeSink) {
        guard !isFinished else { return }
        self.sink = sink
        // A relay answers nothing itself.
        if let trace, !(sink is ExchangeRelay) { trace.begin(.firstByte) }
        if returned != nil {
            passReturned(to: sink)
            // A sink may give it back at once, and another may have it already.
            guard !isFinished, self.sink === sink else { return }
        }
        requestFlow.isAwaiting = false
        releaseRequest()
    }

    /// Whether body bytes go from one end to the other without any gate's seeing them.
    package var passesBodiesUntouched: (request: Bool, response: Bool) { (requestFlow.isStraight, responseFlow.isStraight) }

    /// Whether nothing more will come of this exchange.
    public var hasEnded: Bool { isFinished }

    // MARK: - From the source

    /// Bytes of the request's body, or of a tunnel. They have passed on when `requestCredit` says so.
    public func sendRequestBody(_ bytes: ByteBuffer) {
        guard !isFinished, !requestFlow.ended else { return }
        requestBytes &+= Int64(bytes.readableBytes)
        if requestFlow.isStraight, let sink { return sink.requestBody(bytes) }
        requestThroughGates(bytes)
    }

    /// The client has sent everything. In a tunnel: it has closed its half.
    public func sendRequestEnd(_ trailers: HeaderFields? = nil) {
        guard !isFinished, !requestFlow.ended else { return }
        endRequestThroughGates(trailers)
        finishIfComplete()
    }

    /// The source can't go on: the client has gone, its bytes made no sense.
    public func abortRequest(_ failure: Failure) {
        guard !isFinished else { return }
        // A client that goes after it has ended its half of a tunnel: so tunnels end, and it is no failure.
        let isOrderly = failure.code == .cancelled && requestFlow.ended && response?.opensTunnel(for: request) == true
        let sink = (isOrderly ? finish(nil, .completed) : finish(failure, .cancelled)).sink
        sink?.requestAborted(failure)
    }

    /// The client's side has passed on that many response bytes. Also after the exchange's end: who holds bytes of an exchange
    /// holds the exchange, until the bytes are passed on or lost. When nobody holds it, nothing of it is held.
    public func creditResponse(_ bytes: Int) {
        guard bytes > 0 else { return }
        let credit = responseFlow.credit(bytes)
        guard credit > 0 else { return }
        if let sink, !isFinished { sink.responseCredit(credit) } else { heirs.ofSink?.lateResponseCredit(credit) }
    }

    /// The source has no more for now: what was sent can go out. Without it, bytes may wait for others.
    public func flushRequest() { sink?.requestFlush() }

    /// What `acceptsResponse` says has changed.
    public func regulateResponse() { sink?.responseCredit(0) }

    // MARK: - From the sink

    /// Whether the source takes more, beside the credit that it has given.
    public var acceptsResponse: Bool { source?.acceptsResponse() ?? true }

    /// Whether nothing can come from the client for now, for want of a connection on the way to it. Its silence doesn't count then.
    public var isInterrupted: Bool { source?.isInterrupted() ?? false }

    /// The sink has no more for now: what was sent can go out. Without it, bytes may wait for others.
    public func flushResponse() { source?.responseFlush() }

    /// A response head: any number of informational ones (1xx but 101), then the final one.
    public func sendResponseHead(_ head: ResponseHead) {
        guard !isFinished, response == nil else { return }
        responseHeadThroughGates(head)
    }

    /// Bytes of the response's body, or of a tunnel. They have passed on when `responseCredit` says so.
    public func sendResponseBody(_ bytes: ByteBuffer) {
        guard !isFinished, !responseFlow.ended, !responseFlow.isComplete else { return }
        if responseFlow.isStraight {
            responseBytes &+= Int64(bytes.readableBytes)
            source?.responseBody(bytes)
            return
        }
        responseThroughGates(bytes)
    }

    /// The origin has sent everything. In a tunnel: it has closed its half.
    public func sendResponseEnd(_ trailers: HeaderFields? = nil) {
        guard !isFinished, !responseFlow.isComplete, !responseFlow.ended else { return }
        responseFlow.isComplete = true
        endResponseThroughGates(trailers)
        if responseFlow.ended { finishIfComplete() } else { dismissSink() }
    }

    /// The end of the response is held: its sink goes on to other things, and must hear no more of this exchange.
    private func dismissSink() {
        guard !isFinished, request.kind == .plain || response.map({ !$0.opensTunnel(for: request) }) ?? false else { return }
        let done = releaseSink()
        if !requestFlow.ended {
            requestFlow.discard()
            done?.requestAborted(Failure(.cancelled, "the response was complete before the request"))
        }
    }

    /// The sink hears no more of this exchange, but what it had sent, an informational head at least, may still wait for the client: it
    /// accounts for that.
    @discardableResult
    private func releaseSink() -> ExchangeSink? {
        let released = sink.take()
        heirs.dismissed(released)
        return released
    }

    /// The sink can't go on. Before the response's head the client gets an answer that says why; after it, its connection
    /// or stream is reset, so that a part is never taken for the whole.
    public func abortResponse(_ failure: Failure) {
        guard !isFinished else { return }
        if responseFlow.isComplete, !responseFlow.ended {
            // Everything was said before: it is passed on first.
            responseFlow.failureBehindEnd = failure
            return
        }
        if response == nil, !responseFlow.isAwaiting {
            // It isn't told of the answer.
            releaseSink()
            return answer(failure.response(for: request), as: .failed)
        }
        let source = finish(failure, .failed).source
        source?.responseAborted(failure)
    }

    /// Ends an exchange that no sink has got, so that whoever sent it may send it again, somewhere else. One that a sink has got is answered
    /// as `abortResponse` does it.
    package func giveBack(_ failure: Failure) {
        guard !isFinished, sink == nil, response == nil else { return abortResponse(failure) }
        let source = finish(failure, .failed).source
        source?.requestGivenBack(failure)
    }

    /// The sink has passed on that many request bytes. Also after the exchange's end, as with `creditResponse`.
    public func creditRequest(_ bytes: Int) {
        var bytes = bytes
        if creditedAhead > 0 {
            let again = min(creditedAhead, bytes)
            creditedAhead -= again
            bytes -= again
        }
        guard bytes > 0 else { return }
        let credit = requestFlow.credit(bytes)
        guard credit > 0 else { return }
        if isFinished { heirs.ofSource?.lateRequestCredit(credit) } else { source?.requestCredit(credit) }
    }

    // MARK: - Answering here

    /// Ends the exchange with an answer made on this side, in place of the sink's. The sink, if there is one, is told that
    /// its answer isn't wanted. Only before a final response's head has been sent. No gate sees the answer; see `respond`.
    public func answer(_ local: LocalResponse) {
        answer(local, as: local.outcome)
    }

    /// Sends the answer of a stage at the list's end that makes its answers itself. Unlike one by `answer`, which says why the
    /// exchange goes no further, it passes the gates as an origin's response does. Only before a final response's head has been sent.
    public func respond(_ local: LocalResponse) {
        guard !isFinished, response == nil else { return }
        failure = local.failure
        answered = local.outcome
        respond(local.head, ByteBuffer(string: local.body))
    }

    /// The same with a body that is bytes already. Whatever the status, the exchange counts as completed.
    package func respond(_ head: ResponseHead, _ body: ByteBuffer) {
        guard !isFinished, response == nil else { return }
        sendResponseHead(head)
        if body.readableBytes > 0, !head.isBodyless(for: request) { sendResponseBody(body) }
        sendResponseEnd()
        flushResponse()
    }

    /// - Parameter place: The stage that answers, if it isn't the last that the exchange has reached.
    func answer(_ local: LocalResponse, as outcome: ExchangeOutcome, at place: Int? = nil) {
        guard !isFinished, response == nil else { return }
        if shard.verdictReaders > 0 { judgeAnswer(local, outcome, at: place) }
        failure = local.failure
        let local = local.failure == nil ? local : told(local, at: place)
        let abandoned = sink
        sink = nil
        abandoned?.requestAborted(local.failure ?? Failure(.cancelled, "answered by another stage"))
        requestFlow.discard()
        responseFlow.discard()
        response = local.head.withoutFields
        source?.responseHead(local.head)
        if !local.body.isEmpty {
            let bytes = ByteBuffer(string: local.body)
            if !local.head.isBodyless(for: request) {
                responseBytes = Int64(bytes.readableBytes)
                source?.responseBody(bytes)
            }
        }
        let source = finish(local.failure, outcome, at: place).source
        source?.responseEnd(nil)
    }

    /// Ends the exchange as if its sink had failed in the middle of the response, whether or not a head has gone out.
    package func reset(_ failure: Failure) {
        guard !isFinished else { return }
        let ends = finish(failure, .failed)
        ends.sink?.requestAborted(failure)
        ends.source?.responseAborted(failure)
    }

    // MARK: - Ending

    func finishIfComplete() {
        guard responseFlow.ended, !isFinished else { return }
        // A response may be complete before its request is: what is left of the request is of no use to anybody.
        let outcome = answered ?? failure.map { $0.status < 500 ? .refused : .failed } ?? .completed
        if requestFlow.ended {
            finish(nil, outcome)
        } else if response?.opensTunnel(for: request) != true {
            let sink = finish(nil, outcome).sink
            sink?.requestAborted(Failure(.cancelled, "the response was complete before the request"))
        }
    }

    @discardableResult
    func finish(
        _ failure: Failure?, _ outcome: ExchangeOutcome, at place: Int? = nil
    ) -> (source: ExchangeSource?, sink: ExchangeSink?) {
        let ends = (source: source.take(), sink: sink.take())
        isFinished = true
        if let failure { self.failure = failure }
        heirs.ended(source: ends.source, sink: ends.sink, isWithinAnother: outer != nil)
        requestFlow.discard()
        responseFlow.discard()
        returned = nil
        if shard.verdictReaders > 0 { judgeEnd(failure) }
        ended = .now()
        endedPlace = place ?? progress.place?.index
        if outer == nil { endTrace(outcome) }
        for gate in gates where gate.interests.contains(.end) { gate.ended(self) }
        if outer == nil { shard.finished(self, outcome, at: place) } else { countEnd(outcome, at: place) }
        if !gates.isEmpty { gates = [] }
        whenAbandoned.take()?()
        return ends
    }
}

@available(*, unavailable)
extension Exchange: Sendable {}
