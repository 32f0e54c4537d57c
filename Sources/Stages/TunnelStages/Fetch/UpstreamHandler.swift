import HTTPMessages
import NIOCore
import Pipeline

/// One connection to an origin: writes an exchange's request and reads its response, one exchange after the other; or passes
/// bytes both ways for one.
final class UpstreamHandler: ExchangeSink, PooledConnection {
    /// What may be on its way to the exchange's source, in bytes.
    private static let window = BulkReading.most
    var deadline: NIODeadline?
    var sweepIndex: Int?
    /// The last deadline passed while nothing could come from the client.
    var wasInterrupted = false

    let port: FetchPort
    let origin: Origin
    var isPooled: Bool
    var context: ChannelHandlerContext?
    var state: UpstreamState
    /// Whom it may serve, from what has passed on it.
    private(set) var owner = ConnectionOwner.everybody
    var courtesy = FetchPort.Pool.courtesy
    private(set) var idleSince = NIODeadline.distantFuture
    var parser = HTTP1ResponseParser()
    let output: ChannelOutput
    let body: BodyWriter
    var allowance = ReadAllowance(window: UpstreamHandler.window)
    var bulk = BulkReading()
    var lastError: (any Error)?

    init(port: FetchPort, origin: Origin, isPooled: Bool) {
        self.port = port
        self.origin = origin
        self.isPooled = isPooled
        self.state = UpstreamState(isSecured: !origin.isSecure)
        self.output = ChannelOutput(port.scratches)
        self.body = BodyWriter(output)
        if origin.isSecure { output.holdBack() }
    }

    var exchange: Exchange? { state.exchange }

    // MARK: - An exchange begins

    func connected() {
        state.connected()
        port.shard.deadlines.add(self)
    }

    func hasAddress(allowedFor exchange: Exchange) -> Bool {
        guard !exchange.addressChecks.isEmpty else { return true }
        guard let address = context?.channel.remoteAddress else { return false }
        return exchange.refusal(of: address) == nil
    }

    func begin(_ exchange: Exchange, isReused: Bool) {
        guard let context, state.begin(exchange, isReused: isReused) else {
            return exchange.abortResponse(UpstreamFailure.lost(origin, lastError))
        }
        exchange.trace?.end(.connection)
        if ConnectionAuthentication.isUsed(by: exchange.request) { owner.claim(for: exchange) }
        allowance.reset()
        _ = regulateReading(context)
        if state.isTunnel { return beginTunnel(exchange) }
        parser.expectResponse(to: exchange.request.method, upgrade: exchange.request.kind == .upgrade)
        do {
            body.begin(try output.gather { buffer throws(HTTP1Error) in try HTTP1Writer.request(exchange.request, into: &buffer) })
        } catch {
            state.refused()
            exchange.abortResponse(Failure(.badRequest, error.reason))
            return finishUnused()
        }
        expectFirstByte()
        exchange.attach(self)
        requestFlush()
    }

    // MARK: - From the exchange

    override func requestBody(_ bytes: ByteBuffer) {
        if state.isTunnel {
            state.touch()
            output.write(bytes)
        } else if let exchange, state.isAnswering {
            write(bytes, of: exchange)
        }
    }

    private func write(_ bytes: ByteBuffer, of exchange: Exchange) {
        if exchange.request.kind == .upgrade {
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
        if state.isTunnel { return endTunnelRequest() }
        guard state.isAnswering else { return }
        state.requestEnded()
        guard body.end(trailers) else {
            return fail(Failure(.badRequest, "the request's body is shorter than its head says"))
        }
        expectFirstByte()
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
        _ = state.abandon()
        // What the origin has of the request is not the whole: it must not take it for that.
        context?.reset()
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

    var idleTime: Duration { owner.idleTime(of: port.configuration.idle) }

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
        if origin.isSecure, state.isIdle, state.isSecured { context.channel.close(mode: .output, promise: nil) }
        context.channel.closeTransport()
    }

    func fail(_ failure: Failure) {
        let failed = state.abandon()
        context?.reset()
        if let failed { endWaiting(of: failed, failure) }
        failed?.abortResponse(failure)
        failed?.flushResponse()
    }
}

@available(*, unavailable)
extension UpstreamHandler: Sendable {}
