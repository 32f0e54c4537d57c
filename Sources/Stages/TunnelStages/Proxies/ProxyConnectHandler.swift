import ConfigurationLanguage
import NIOCore
import NIOSSL
import Pipeline

/// What a proxy on the way to the server did wrong, in a sentence that names it.
struct ProxyError: Error, CustomStringConvertible {
    var message: String
    /// What it answered, if it did.
    var refusal: ProxyRefusal?

    var description: String { message }
}

/// Makes the pieces of Negotiate and NTLM for one handshake.
protocol ProxyTokenMaker: AnyObject {
    /// Told once on the loop, at the deadline at the latest.
    ///
    /// - Parameter bytes: What the proxy has sent; empty for the first piece.
    func make(
        _ scheme: ProxyScheme, from bytes: [UInt8], until deadline: NIODeadline,
        then: @escaping (Result<[UInt8], ProxyTokenProblem>) -> Void)
}

/// Stands first in an outgoing connection's pipeline, ahead of the server's TLS, while an HTTP proxy is asked for the way to the server: does
/// what a `ProxyHandshake` says. Handlers behind it see the connection become active when the proxy has opened the way, and before that nothing.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What became of it.
    enum End {
        /// The way is open: `release` lets the others have the connection.
        case open
        /// The handshake goes on, on another connection.
        case again
        case failed(ProxyError)
    }

    private enum Phase {
        /// - Parameter end: What has happened before anybody asked.
        case idle(end: End?)
        case working(then: (End) -> Void)
        /// The way is open; these bytes of the server came along.
        case open(ByteBuffer)
        /// Everything is for those behind.
        case released
        /// Nothing is for anybody: those behind have never seen the connection.
        case ended
    }

    /// How long what a proxy says beside its answer is waited for.
    private static let patience = TimeAmount.seconds(2)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private(set) var handshake: ProxyHandshake
    private let limit: NIODeadline
    private let tls: ProxyTLS?
    private let tokens: (any ProxyTokenMaker)?
    private let shard: Shard
    private var phase = Phase.idle(end: nil)
    private var context: ChannelHandlerContext?

    /// - Parameters:
    ///   - tls: Where the proxy is behind TLS.
    ///   - tokens: Where schemes may be used that need them.
    init(
        _ handshake: ProxyHandshake, tls: ProxyTLS?, tokens: (any ProxyTokenMaker)?, until deadline: NIODeadline, shard: Shard
    ) {
        self.handshake = handshake
        self.tls = tls
        self.tokens = tokens
        self.limit = deadline
        self.shard = shard
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        shard.deadlines.remove(self)
    }

    /// Asks the proxy. Only one of the connections that are tried at once is used.
    func begin(then: @escaping (End) -> Void) {
        guard case .idle(let end) = phase else { return }
        phase = .working(then: then)
        if let end { return finish(end) }
        deadline = limit
        shard.deadlines.add(self)
        perform(handshake.begin())
    }

    /// Whoever stands behind has the connection from now on.
    func release() {
        guard case .open(let rest) = phase, let context else { return }
        phase = .released
        context.fireChannelActive()
        if rest.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(rest))
            context.fireChannelReadComplete()
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func perform(_ action: ProxyHandshake.Action) {
        guard case .working = phase else { return }
        deadline = handshake.isReadingPage ? min(limit, .now() + Self.patience) : limit
        switch action {
        case .nothing: break
        case .send(let request): context?.writeAndFlush(wrapOutboundOut(request), promise: nil)
        case .token(let scheme, let bytes):
            guard let tokens else {
                let problem = ProxyTokenProblem("\(scheme.name) isn't possible here")
                return perform(handshake.made(.failure(problem), time: WallTime.seconds))
            }
            tokens.make(scheme, from: bytes, until: limit) { [weak self] result in
                guard let self else { return }
                perform(handshake.made(result, time: WallTime.seconds))
            }
        case .reconnect: finish(.again)
        case .open(let rest):
            guard case .working(let then) = phase else { return }
            shard.deadlines.remove(self)
            deadline = nil
            phase = .open(rest)
            then(.open)
        case .refused(let refusal): finish(.failed(ProxyError(message: refusal.reason, refusal: refusal)))
        }
    }

    private func finish(_ end: End) {
        guard case .working(let then) = phase else {
            if case .idle(nil) = phase { phase = .idle(end: end) }
            return
        }
        phase = .ended
        shard.deadlines.remove(self)
        context?.close(promise: nil)
        then(end)
    }

    // MARK: - The channel

    func channelActive(context: ChannelHandlerContext) {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        // Nobody has asked it for anything.
        case .idle: break
        case .working: perform(handshake.receive(unwrapInboundIn(data), time: WallTime.seconds))
        case .open(var rest):
            var bytes = unwrapInboundIn(data)
            rest.writeBuffer(&bytes)
            phase = .open(rest)
        case .released: context.fireChannelRead(data)
        case .ended: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) { closed(nil, context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .released = phase { return context.fireErrorCaught(error) }
        if let failure = TLSFailure(error), let tls {
            let certificate = try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self).peerCertificate
            let text = ProxyTLS.describe(
                failure, of: handshake.proxy, certificate, hasOwnAuthorities: tls.hasOwnAuthorities)
            return finish(.failed(ProxyError(message: "the proxy \(handshake.proxy.text) \(text)")))
        }
        closed(ConnectionFailure.words(for: error), context)
    }

    /// - Parameter problem: What went wrong, if anything but an end.
    private func closed(_ problem: String?, _ context: ChannelHandlerContext) {
        switch phase {
        case .idle:
            let text = problem ?? "the connection was closed"
            finish(.failed(ProxyError(message: "the proxy \(handshake.proxy.text): \(text)")))
        case .working:
            let reason = problem.map { "can't be spoken to: \($0)" } ?? "closed the connection without an answer"
            perform(handshake.closed(reason, time: WallTime.seconds))
        case .released: if problem == nil { context.fireChannelInactive() }
        case .open, .ended: break
        }
    }

    func expire(now: NIODeadline) { perform(handshake.timeUp(time: WallTime.seconds)) }
}

@available(*, unavailable)
extension ProxyConnectHandler: Sendable {}
