import NIOCore
import NIOSSL
import NIOTLS
import Pipeline

/// One connection to an origin: writes an exchange's request and reads its response, one exchange after the other; or passes
/// bytes both ways for one.
final class UpstreamHandler: ExchangeSink, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What may be on its way to the exchange's source, in bytes.
    private static let window = 128 << 10

    private enum State {
        case connecting
        case idle
        case http
        case raw
        case closed
    }

    var deadline: NIODeadline?
    var sweepIndex: Int?

    private let port: FetchPort
    private let origin: Origin
    private var isPooled: Bool
    private var isSecured: Bool
    private var context: ChannelHandlerContext?
    private var state = State.connecting
    private var exchange: Exchange?
    private var parser = HTTP1ResponseParser()
    private let output: ChannelOutput
    private let body: BodyWriter
    private var allowance = ReadAllowance(window: UpstreamHandler.window)
    private var isReused = false
    private var isRequestComplete = false
    private var hasResponseBegun = false
    private var canBeReused = false
    private var isInputClosed = false
    private var lastError: (any Error)?

    init(port: FetchPort, origin: Origin, isPooled: Bool) {
        self.port = port
        self.origin = origin
        self.isPooled = isPooled
        self.isSecured = !origin.isSecure
        self.output = ChannelOutput(port.scratches)
        self.body = BodyWriter(output)
        if !isSecured { output.holdBack() }
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.attach(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        output.detach()
    }

    func connected() {
        state = .idle
        port.shard.deadlines.add(self)
    }

    /// Whether stages let the exchange go to this connection's address.
    func mayServe(_ exchange: Exchange) -> Bool {
        guard !exchange.addressChecks.isEmpty else { return true }
        guard let address = context?.channel.remoteAddress else { return false }
        return exchange.refusal(of: address) == nil
    }

    /// Connected for an exchange that has ended meanwhile.
    func finishUnused() {
        if !isPooled || !recycle() { context?.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many origins close TLS without saying so; whether something is missing the message's framing tells.
        if case NIOSSLError.uncleanShutdown = error { return }
        lastError = lastError ?? error
        context.close(promise: nil)
    }

    private func lost() {
        // Connections that were tried and not taken are none of the pool's.
        guard state != .closed, state != .connecting else { return }
        let wasHTTP = state == .http
        let wasTunnel = state == .raw
        state = .closed
        port.shard.deadlines.remove(self)
        let lost = exchange
        exchange = nil
        if isPooled { port.closed(self, origin) }
        guard let lost, !lost.hasEnded else { return }
        if wasTunnel, lastError == nil {
            // Both halves closed without an error: the end of what the origin had to say, if that isn't known yet.
            lost.sendResponseEnd()
            lost.flushResponse()
            if lost.hasEnded { return }
        }
        if wasHTTP, mayRetry(lost) { return port.retry(lost, origin) }
        lost.abortResponse(UpstreamFailure.lost(origin, lastError))
        lost.flushResponse()
    }

    /// RFC 9112, 9.3.1: a connection that was idle may be closed by the origin just as a request is sent. Such a request is
    /// sent again if it can't have changed anything by being processed, and none of it was a body.
    private func mayRetry(_ exchange: Exchange) -> Bool {
        isReused && !hasResponseBegun && lastErrorIsStale && exchange.request.kind == .plain
            && exchange.request.body == BodyLength.none && Self.safeMethods.contains(exchange.request.method)
    }

    private var lastErrorIsStale: Bool { lastError == nil || lastError is IOError }
    private static let safeMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE"]

    // MARK: - An exchange begins

    func begin(_ exchange: Exchange, isReused: Bool) {
        guard let context, state == .idle else {
            return exchange.abortResponse(UpstreamFailure.lost(origin, lastError))
        }
        self.exchange = exchange
        self.isReused = isReused
        isRequestComplete = false
        hasResponseBegun = false
        canBeReused = false
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

    private func beginTunnel(_ exchange: Exchange) {
        state = .raw
        watchTunnel()
        exchange.sendResponseHead(ResponseHead(status: 200, reason: "Connection established"))
        exchange.attach(self)
        requestFlush()
        exchange.flushResponse()
    }

    // MARK: - From the exchange

    override func requestBody(_ bytes: ByteBuffer) {
        switch state {
        case .raw:
            touch()
            output.write(bytes)
        case .http:
            write(bytes)
        case .connecting, .idle, .closed:
            break
        }
    }

    private func write(_ bytes: ByteBuffer) {
        if body.framing == .none {
            guard exchange?.request.kind == .upgrade else {
                return fail(Failure(.badRequest, "the request has a body, but its head says it has none"))
            }
            // An Upgrade's bytes before the origin has agreed; they go behind the head, where the origin expects them.
            output.write(bytes)
        } else if !body.write(bytes) {
            return fail(Failure(.badRequest, "the request's body is longer than its head says"))
        }
        expectFirstByte()
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        switch state {
        case .raw:
            touch()
            output.closeOutput()
            if isInputClosed { output.close() }
        case .http:
            isRequestComplete = true
            guard body.end(trailers) else {
                return fail(Failure(.badRequest, "the request's body is shorter than its head says"))
            }
            expectFirstByte()
        case .connecting, .idle, .closed:
            break
        }
    }

    override func requestFlush() {
        output.flush()
        settle()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if output.writabilityChanged() { settle() }
        context.fireChannelWritabilityChanged()
    }

    private func settle() {
        let earned = output.settle()
        if earned > 0 { exchange?.creditRequest(earned) }
    }

    override func requestAborted(_ failure: Failure) {
        exchange = nil
        // What the origin has of the request is not the whole: it must not take it for that.
        if let context { context.reset() }
    }

    override func responseCredit(_ bytes: Int) {
        allowance.earn(bytes)
        if allowance.isPaused || bytes == 0, let context { regulate(context) }
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch state {
        case .raw:
            touch()
            allowance.spend(bytes.readableBytes)
            exchange?.sendResponseBody(bytes)
        case .http, .idle:
            parser.append(bytes)
            parse(context)
        case .connecting, .closed:
            break
        }
        regulate(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushResponse()
        context.fireChannelReadComplete()
    }

    private func regulate(_ context: ChannelHandlerContext) {
        let mayRead = exchange.map { !allowance.isUsedUp && $0.acceptsResponse } ?? true
        if allowance.shouldRead(mayRead) { context.channel.setReading(mayRead) }
        guard state == .http else { return }
        // While the client's side is what is waited for, the origin isn't silent.
        if !mayRead {
            deadline = nil
        } else if hasResponseBegun {
            deadline = .now() + silence
        } else if deadline == nil {
            expectFirstByte()
        }
    }

    private func parse(_ context: ChannelHandlerContext) {
        do {
            while state == .http || state == .idle, let part = try parser.next() {
                switch part {
                case .head(let head): try received(head, context)
                case .body(let bytes):
                    allowance.spend(bytes.readableBytes)
                    exchange?.sendResponseBody(bytes)
                case .end(let trailers): responseEnded(trailers, context)
                }
            }
        } catch {
            fail(Failure(.originInvalid, "\(origin.host) sent no valid HTTP: \(error.reason)"))
        }
    }

    private func received(_ head: HTTP1ResponseHead, _ context: ChannelHandlerContext) throws(HTTP1Error) {
        guard let exchange else { return }
        let response = ResponseHead(status: head.status, reason: head.reason, body: head.body, fields: head.fields)
        if head.isInformational {
            informationals += 1
            guard informationals <= Self.informationalLimit else {
                return fail(Failure(.originInvalid, "\(origin.host) sent too many informational responses"))
            }
            return exchange.sendResponseHead(response)
        }
        informationals = 0
        hasResponseBegun = true
        canBeReused = head.keepAlive
        deadline = .now() + silence
        if response.opensTunnel(for: exchange.request) {
            state = .raw
            watchTunnel()
            if isPooled {
                // From here it serves nobody else, and must not keep others waiting.
                isPooled = false
                port.closed(self, origin)
            }
            exchange.sendResponseHead(response)
            let rest = parser.takeRest()
            if rest.readableBytes > 0 {
                allowance.spend(rest.readableBytes)
                exchange.sendResponseBody(rest)
            }
            return
        }
        exchange.sendResponseHead(response)
    }

    private static let informationalLimit = 32
    private var informationals = 0

    private func responseEnded(_ trailers: HeaderFields?, _ context: ChannelHandlerContext) {
        guard let ended = exchange else { return }
        exchange = nil
        state = .idle
        deadline = nil
        let isClean = canBeReused && isRequestComplete && ended.request.kind == .plain && !isInputClosed && output.isDrained
        ended.sendResponseEnd(trailers)
        ended.flushResponse()
        if !isClean || !recycle() { context.close(promise: nil) }
    }

    private func recycle() -> Bool {
        // Set before, for recycling may begin the next exchange at once.
        deadline = .now() + TimeAmount(port.configuration.idle)
        return port.recycle(self, origin)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            isSecured = true
            if state == .http { expectFirstByte() }
            output.letGo()
            settle()
        }
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        isInputClosed = true
        switch state {
        case .raw:
            let isOver = exchange.map { $0.request.kind != .plain && $0.hasEnded } ?? true
            exchange?.sendResponseEnd()
            exchange?.flushResponse()
            if isOver || exchange?.hasEnded == true { output.close() }
        case .http:
            do {
                if case .end(let trailers)? = try parser.finish() { return responseEnded(trailers, context) }
            } catch {
                if hasResponseBegun || error.code != .noResponse {
                    fail(Failure(.originClosed, "\(origin.host) closed the connection in the middle of its answer"))
                    return
                }
            }
            context.close(promise: nil)
        case .idle, .connecting, .closed:
            context.close(promise: nil)
        }
    }

    private func fail(_ failure: Failure) {
        let failed = exchange
        exchange = nil
        context?.reset()
        failed?.abortResponse(failure)
        failed?.flushResponse()
    }

    // MARK: - Time

    private var silence: TimeAmount { TimeAmount(port.configuration.silence) }

    private func expectFirstByte() {
        guard !hasResponseBegun, !allowance.isPaused else { return }
        guard isSecured else {
            // The handshake is part of connecting.
            if deadline == nil { deadline = .now() + TimeAmount(port.configuration.connectTimeout) }
            return
        }
        deadline = .now() + TimeAmount(port.configuration.firstByteTimeout)
    }

    private func watchTunnel() {
        isQuiet = false
        deadline = .now() + TimeAmount(port.configuration.tunnelSilence)
    }

    /// Something passed in a tunnel: a store, where looking at the clock would be a system call.
    private func touch() { isQuiet = false }
    private var isQuiet = true
}

extension UpstreamHandler: Expiring {
    func expire(now: NIODeadline) {
        deadline = nil
        switch state {
        case .idle, .connecting, .closed:
            context?.close(promise: nil)
        case .http:
            let what = hasResponseBegun ? "was silent for too long in the middle of its answer" : "didn't answer in time"
            fail(Failure(.timeout, "\(origin.host) \(what)"))
        case .raw:
            if isQuiet { return fail(Failure(.timeout, "nothing passed for too long")) }
            isQuiet = true
            deadline = now + TimeAmount(port.configuration.tunnelSilence)
        }
    }
}

@available(*, unavailable)
extension UpstreamHandler: Sendable {}
