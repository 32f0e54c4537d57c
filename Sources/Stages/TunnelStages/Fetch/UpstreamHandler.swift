import HTTPMessages
import NIOCore
import Pipeline

/// One connection to an origin: writes an exchange's request and reads its response, one exchange after the other; or passes
/// bytes both ways for one.
final class UpstreamHandler: ExchangeSink, PooledConnection {
    /// What may be on its way to the exchange's source, in bytes.
    private static let window = BulkReading.most
    /// How long one that is a client's own is kept unused, at least and at most.
    private static let leastOwned = Duration.seconds(5)
    private static let mostOwned = Duration.seconds(30)

    enum State {
        case connecting
        case idle
        case http
        /// The response is complete; whether anything follows it shows at the end of the loop's turn.
        case over(HeaderFields?)
        case raw
        case closed
    }

    var deadline: NIODeadline?
    var sweepIndex: Int?

    let port: FetchPort
    let origin: Origin
    var isPooled: Bool
    /// There is no TLS, or its handshake is over.
    var isSecured: Bool
    var context: ChannelHandlerContext?
    var state = State.connecting
    var exchange: Exchange?
    /// Whom it may serve, from what has passed on it.
    private(set) var owner = ConnectionOwner.everybody
    var courtesy = FetchPort.Pool.courtesy
    private(set) var idleSince = NIODeadline.distantFuture
    var turn = UpstreamTurn(isReused: false)
    var parser = HTTP1ResponseParser()
    let output: ChannelOutput
    let body: BodyWriter
    var allowance = ReadAllowance(window: UpstreamHandler.window)
    var bulk = BulkReading()
    var isInputClosed = false
    /// TLS was closed by somebody who may not be the origin.
    var isTorn = false
    var lastError: (any Error)?
    /// Nothing has passed in a tunnel since the clock was last looked at.
    var isQuiet = true

    init(port: FetchPort, origin: Origin, isPooled: Bool) {
        self.port = port
        self.origin = origin
        self.isPooled = isPooled
        self.isSecured = !origin.isSecure
        self.output = ChannelOutput(port.scratches)
        self.body = BodyWriter(output)
        if !isSecured { output.holdBack() }
    }

    // MARK: - An exchange begins

    func connected() {
        state = .idle
        port.shard.deadlines.add(self)
    }

    func hasAddress(allowedFor exchange: Exchange) -> Bool {
        guard !exchange.addressChecks.isEmpty else { return true }
        guard let address = context?.channel.remoteAddress else { return false }
        return exchange.refusal(of: address) == nil
    }

    func begin(_ exchange: Exchange, isReused: Bool) {
        guard let context, case .idle = state else {
            return exchange.abortResponse(UpstreamFailure.lost(origin, lastError))
        }
        self.exchange = exchange
        turn = UpstreamTurn(isReused: isReused)
        if ConnectionAuthentication.isUsed(by: exchange.request) { owner.claim(for: exchange) }
        allowance.reset()
        regulate(context)
        if exchange.request.kind == .tunnel { return beginTunnel(exchange) }
        state = .http
        parser.expectResponse(to: exchange.request.method, upgrade: exchange.request.kind == .upgrade)
        do {
            body.begin(try output.gather { buffer throws(HTTP1Error) in try HTTP1Writer.request(exchange.request, into: &buffer) })
        } catch {
            state = .idle
            self.exchange = nil
            exchange.abortResponse(Failure(.badRequest, error.reason))
            return finishUnused()
        }
        expectFirstByte()
        exchange.attach(self)
        requestFlush()
    }

    // MARK: - From the exchange

    override func requestBody(_ bytes: ByteBuffer) {
        switch state {
        case .raw:
            touch()
            output.write(bytes)
        case .http:
            write(bytes)
        case .connecting, .idle, .over, .closed:
            break
        }
    }

    private func write(_ bytes: ByteBuffer) {
        if exchange?.request.kind == .upgrade {
            // Its body. What is more comes before the origin has agreed; it goes behind, where the origin expects it.
            body.writeUpgrade(bytes)
        } else if body.framing == .none {
            return fail(Failure(.badRequest, "the request has a body, but its head says it has none"))
        } else if !body.write(bytes) {
            return fail(Failure(.badRequest, "the request's body is longer than its head says"))
        }
        expectFirstByte()
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        switch state {
        case .raw:
            endTunnelRequest()
        case .http:
            turn.isRequestComplete = true
            guard body.end(trailers) else {
                return fail(Failure(.badRequest, "the request's body is shorter than its head says"))
            }
            expectFirstByte()
        case .connecting, .idle, .over, .closed:
            break
        }
    }

    override func requestFlush() {
        output.flush()
        settle()
    }

    func settle() {
        let earned = output.settle()
        if earned > 0 { exchange?.creditRequest(earned) }
    }

    override func requestAborted(_ failure: Failure) {
        exchange = nil
        // What the origin has of the request is not the whole: it must not take it for that.
        if let context { context.reset() }
    }

    override var heir: ExchangeSink? { self }

    override func lateRequestAbandoned(_ failure: Failure) {
        // The origin may have another's request by now.
        if !output.isDrained, exchange?.hasEnded ?? true { context?.reset() }
    }

    override func responseCredit(_ bytes: Int) {
        allowance.earn(bytes)
        if allowance.isPaused || bytes == 0, let context { regulate(context) }
    }

    // MARK: - An exchange ends

    /// Connected for an exchange that has ended meanwhile.
    func finishUnused() {
        if !isPooled || !port.recycle(self, origin) { discard() }
    }

    /// How long it is kept unused. A client's own is of use to nobody else, and yet the client needs a moment for its next step.
    var idleTime: Duration {
        let time = port.configuration.idle
        return owner == .everybody ? time : min(max(time, Self.leastOwned), Self.mostOwned)
    }

    /// Nobody uses it for now.
    func becomeIdle() {
        idleSince = .now()
        deadline = idleSince + TimeAmount(idleTime)
    }

    /// The response that has come shows whose connection it is.
    func claim(for exchange: Exchange) { owner.claim(for: exchange) }

    /// Nothing is on its way here, and nothing will be: closes it at once. The closing handshake of TLS would have to wait for the origin,
    /// and the connection would keep its place and its descriptor for that. One that is between two requests says its half of it (RFC 9112,
    /// 9.8).
    func discard() {
        guard let context else { return }
        if origin.isSecure, isSecured, case .idle = state { context.channel.close(mode: .output, promise: nil) }
        context.channel.closeTransport()
    }

    func fail(_ failure: Failure) {
        let failed = exchange
        exchange = nil
        context?.reset()
        failed?.abortResponse(failure)
        failed?.flushResponse()
    }
}

@available(*, unavailable)
extension UpstreamHandler: Sendable {}
