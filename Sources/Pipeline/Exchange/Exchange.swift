public import NIOCore

/// One HTTP request and its response, streaming both ways; a CONNECT or an Upgrade turns into raw bytes both ways.
///
/// An exchange joins the source that began it with the sink that answers it, through the gates of the filters between. All of
/// it happens on one event loop, in plain calls. Bytes that the receiving side has passed on are reported back as credit; a
/// side that gets no credit stops reading, so that nothing on the way grows without bound.
public final class Exchange: Medium {
    public typealias Port = any ExchangePort
    public static var kind: MediumKind { .exchange }

    public let id: ExchangeID
    public let shard: Shard
    /// The connection that the exchange came by.
    public let client: Inbound
    /// Who the exchange comes from, once a stage has found out. Stages after that one, limits and logs go by it.
    public var identity: Identity?
    /// What the client said to this program to prove who it is. Set by the source, used up by the stage that checks it.
    public var credentials: Credentials?
    /// What this program is to the client. Set by the source.
    public var role = ClientRole.relay
    /// Asked for each address that this exchange may be carried to.
    public var addressChecks: [any AddressCheck] = []
    public internal(set) var request: RequestHead
    /// The final response's head, once it has passed the gates.
    public internal(set) var response: ResponseHead?
    /// Body bytes as the client sent them, and as they went to the client.
    public internal(set) var requestBytes: Int64 = 0
    public internal(set) var responseBytes: Int64 = 0
    public let began: NIODeadline
    /// Why the exchange ended before its end, if it did.
    public internal(set) var failure: Failure?

    var source: ExchangeSource?
    var sink: ExchangeSink?
    var gates: [Gate] = []
    var requestFlow = ExchangeFlow()
    var responseFlow = ExchangeFlow()
    var isFinished = false

    public init(_ request: RequestHead, from source: ExchangeSource, client: Inbound, on shard: Shard) {
        self.id = shard.register()
        self.shard = shard
        self.client = client
        self.request = request
        self.source = source
        self.began = .now()
        requestFlow.isAwaiting = true
    }

    /// The sink takes the exchange. What the client sent in the meantime reaches it before this returns.
    public func attach(_ sink: ExchangeSink) {
        guard !isFinished else { return }
        self.sink = sink
        requestFlow.isAwaiting = false
        releaseRequest()
    }

    /// Who it is from, for limits, rules and logs: what a stage has found out, else the name in the client's certificate, else
    /// `-`.
    public var clientName: String { identity?.name ?? client.clientName }

    /// Whether nothing more will come of this exchange.
    public var hasEnded: Bool { isFinished }

    // MARK: - From the source

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
        let sink = finish(failure).sink
        sink?.requestAborted(failure)
    }

    /// The client's side has passed on that many response bytes.
    public func creditResponse(_ bytes: Int) {
        guard !isFinished, bytes > 0 else { return }
        let credit = responseFlow.credit(bytes)
        if credit > 0 { sink?.responseCredit(credit) }
    }

    /// The source has no more for now: what was sent can go out. Without it, bytes may wait for others.
    public func flushRequest() { sink?.requestFlush() }

    /// The source takes bytes again after it had not.
    public func resumeResponse() { sink?.responseCredit(0) }

    // MARK: - From the sink

    /// Whether the source takes more, beside the credit that it has given.
    public var acceptsResponse: Bool { source?.acceptsResponse() ?? true }

    public func flushResponse() { source?.responseFlush() }

    /// A response head: any number of informational ones (1xx but 101), then the final one.
    public func sendResponseHead(_ head: ResponseHead) {
        guard !isFinished, response == nil else { return }
        responseHeadThroughGates(head)
    }

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
        let done = sink
        sink = nil
        if !requestFlow.ended {
            requestFlow.discard()
            done?.requestAborted(Failure(.cancelled, "the response was complete before the request"))
        }
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
            sink = nil
            return answer(failure.response(for: request))
        }
        let source = finish(failure).source
        source?.responseAborted(failure)
    }

    /// The sink has passed on that many request bytes.
    public func creditRequest(_ bytes: Int) {
        guard !isFinished, bytes > 0 else { return }
        let credit = requestFlow.credit(bytes)
        if credit > 0 { source?.requestCredit(credit) }
    }

    // MARK: - Answering here

    /// Ends the exchange with an answer made on this side, in place of the sink's. The sink, if there is one, is told that
    /// its answer isn't wanted. Only before a final response's head has been sent.
    public func answer(_ local: LocalResponse) {
        guard !isFinished, response == nil else { return }
        failure = local.failure
        let abandoned = sink
        sink = nil
        abandoned?.requestAborted(local.failure ?? Failure(.cancelled, "answered by another stage"))
        requestFlow.discard()
        responseFlow.discard()
        response = local.head
        source?.responseHead(local.head)
        if !local.body.isEmpty {
            let bytes = ByteBuffer(string: local.body)
            if !local.head.isBodyless(for: request) {
                responseBytes = Int64(bytes.readableBytes)
                source?.responseBody(bytes)
            }
        }
        let source = finish(local.failure).source
        source?.responseEnd(nil)
    }

    // MARK: - Ending

    func finishIfComplete() {
        guard responseFlow.ended, !isFinished else { return }
        // A response may be complete before its request is: what is left of the request is of no use to anybody.
        if requestFlow.ended {
            finish(nil)
        } else if response?.opensTunnel(for: request) != true {
            let sink = finish(nil).sink
            sink?.requestAborted(Failure(.cancelled, "the response was complete before the request"))
        }
    }

    @discardableResult
    func finish(_ failure: Failure?) -> (source: ExchangeSource?, sink: ExchangeSink?) {
        let ends = (source, sink)
        isFinished = true
        if let failure { self.failure = failure }
        source = nil
        sink = nil
        requestFlow.discard()
        responseFlow.discard()
        for gate in gates where gate.interests.contains(.end) { gate.ended(self) }
        gates = []
        shard.finished(self)
        return ends
    }
}

@available(*, unavailable)
extension Exchange: Sendable {}
