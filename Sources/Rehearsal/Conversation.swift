package import HTTPMessages
package import NIOCore
package import Pipeline

/// What an origin in memory answers: to each request, by the number of the attempt, from 1. Nil keeps it silent.
package typealias OriginScript = @Sendable (_ attempt: Int, _ request: RequestHead) -> RehearsedResponse?

/// What whoever dials says of an address by itself: why it may not be dialled, for an exchange that has gone by a branch, or nil.
package typealias DialledCheck = @Sendable (_ address: SocketAddress, _ route: String?, _ request: RequestHead) -> Failure?

/// One exchange from both of its ends: the client's side, and the origin's for each time that the exchange reached it. Confined
/// to its loop.
package final class Conversation {
    /// The exchange as its client began it.
    package let exchange: Exchange
    private let client: ClientSide
    /// The origin's side of each time that the exchange reached it, in order.
    package private(set) var attempts: [OriginSide] = []
    private let origin: SocketAddress?
    private let script: OriginScript?
    private let keepsBodies: Bool
    private let dialled: DialledCheck?
    private let promise: EventLoopPromise<Void>

    /// - Parameter origin: Where the origin's name leads; nil where nobody is to ask.
    init(
        _ head: RequestHead, from inbound: Inbound, origin: SocketAddress?, script: OriginScript?, keepsBodies: Bool,
        dialled: DialledCheck? = nil, on shard: Shard
    ) {
        self.dialled = dialled
        self.origin = origin
        client = ClientSide(keepsBodies: keepsBodies)
        exchange = Exchange(head, from: client, client: inbound, on: shard)
        self.script = script
        self.keepsBodies = keepsBodies
        promise = shard.loop.makePromise()
        client.exchange = exchange
        client.onEnd = { [promise] in promise.succeed(()) }
    }

    /// Done when the client has the whole response, or knows that it won't.
    var ended: EventLoopFuture<Void> { promise.futureResult }

    /// The place of the stage at which the exchange ended, from 0.
    var endedPlace: Int? { exchange.endedPlace }

    func begin(_ port: any ExchangePort) { port.open(exchange) }

    func expire() { promise.fail(RehearsalError.noAnswer) }

    /// The exchange has come through to the origin.
    func reached(_ exchange: Exchange) {
        // What dials asks before it does.
        if let origin {
            let refusal = dialled?(origin, exchange.route, exchange.request) ?? exchange.refusal(of: origin)
            if let refusal { return exchange.abortResponse(refusal) }
        }
        let side = OriginSide(exchange, attempt: attempts.count + 1, script: script, keepsBodies: keepsBodies)
        attempts.append(side)
        side.begin()
    }

    // MARK: - The client

    /// Sends a part of the request's body, or of a tunnel's bytes.
    package func send(_ bytes: ByteBuffer) {
        exchange.sendRequestBody(bytes)
        exchange.flushRequest()
    }

    /// Ends the request; in a tunnel, the client's half of it.
    package func finish(_ trailers: HeaderFields? = nil) { exchange.sendRequestEnd(trailers) }

    /// Has the client go away: the exchange is aborted, and what waits for its end goes on.
    package func cancel(_ failure: Failure) {
        exchange.abortRequest(failure)
        promise.succeed(())
    }

    // MARK: - What came of it

    /// What has come of it so far, without the stage that ended it.
    package var outcome: RehearsedOutcome {
        RehearsedOutcome(
            response: client.response, informational: client.informational, isComplete: client.isComplete,
            failure: client.failure ?? exchange.failure, identity: exchange.identity, route: exchange.route,
            reached: attempts.map(\.request), cancelled: attempts.compactMap(\.failure), credit: client.credit)
    }
}

@available(*, unavailable)
extension Conversation: Sendable {}

/// The client: takes whatever comes, at once.
private final class ClientSide: ExchangeSource {
    weak var exchange: Exchange?
    var onEnd: (() -> Void)?
    private(set) var response: RehearsedResponse?
    private(set) var informational: [ResponseHead] = []
    private(set) var isComplete = false
    private(set) var failure: Failure?
    private(set) var credit = 0
    private let keepsBodies: Bool

    init(keepsBodies: Bool) { self.keepsBodies = keepsBodies }

    override func responseHead(_ head: ResponseHead) {
        if head.isInformational { informational.append(head) } else { response = RehearsedResponse(head) }
    }

    override func responseBody(_ bytes: ByteBuffer) {
        if keepsBodies { response?.body.append(bytes) }
        exchange?.creditResponse(bytes.readableBytes)
    }

    override func responseEnd(_ trailers: HeaderFields?) {
        isComplete = true
        response?.trailers = trailers
        end()
    }

    override func responseAborted(_ failure: Failure) {
        self.failure = failure
        end()
    }

    override func requestCredit(_ bytes: Int) { credit += bytes }

    private func end() {
        onEnd?()
        onEnd = nil
    }
}

/// The origin's side of one attempt.
package final class OriginSide: ExchangeSink {
    private let exchange: Exchange
    private let attempt: Int
    private let script: OriginScript?
    private let keepsBodies: Bool
    /// What has come of the request so far.
    package private(set) var request: RehearsedRequest
    /// Why the exchange was taken back, if it was.
    package private(set) var failure: Failure?
    private var pending: RehearsedResponse?

    init(_ exchange: Exchange, attempt: Int, script: OriginScript?, keepsBodies: Bool) {
        self.exchange = exchange
        self.attempt = attempt
        self.script = script
        self.keepsBodies = keepsBodies
        request = RehearsedRequest(exchange.request)
    }

    func begin() {
        pending = script?(attempt, exchange.request)
        if exchange.request.kind != .plain, let pending { exchange.sendResponseHead(pending.head) }
        exchange.attach(self)
    }

    package override func requestBody(_ bytes: ByteBuffer) {
        if keepsBodies { request.body.append(bytes) }
        exchange.creditRequest(bytes.readableBytes)
    }

    package override func requestEnd(_ trailers: HeaderFields?) {
        request.trailers = trailers
        request.isComplete = true
        guard let response = pending else { return }
        pending = nil
        if exchange.request.kind == .plain { respond(response.head) }
        for part in response.body { respond(part) }
        if let failure = response.failure { fail(failure) } else { finish(response.trailers) }
    }

    package override func requestAborted(_ failure: Failure) { self.failure = failure }

    // MARK: - Step by step

    /// Sends a response's head: any number of informational ones, then the final one.
    package func respond(_ head: ResponseHead) { exchange.sendResponseHead(head) }

    /// Sends a part of the response's body, or of a tunnel's bytes.
    package func respond(_ bytes: ByteBuffer) {
        exchange.sendResponseBody(bytes)
        exchange.flushResponse()
    }

    /// Ends the response; in a tunnel, the origin's half of it.
    package func finish(_ trailers: HeaderFields? = nil) { exchange.sendResponseEnd(trailers) }

    /// Breaks the response off.
    package func fail(_ failure: Failure) { exchange.abortResponse(failure) }
}
