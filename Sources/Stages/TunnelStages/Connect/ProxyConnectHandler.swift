import ConfigurationLanguage
import NIOCore
import Pipeline

/// What a proxy on the way to the server did wrong, in a sentence that names it.
struct ProxyError: Error, CustomStringConvertible {
    var message: String
    /// What it answered, if it did.
    var refusal: ProxyRefusal?

    var description: String { message }
}

/// Stands first in an outgoing connection's pipeline, ahead of TLS, while an HTTP proxy is asked for the way to the server.
/// Handlers behind it see the connection become active when the proxy has opened the way.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long what a proxy says to its refusal is waited for.
    private static let patience = TimeAmount.seconds(2)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let proxy: ProxyAddress
    private var handshake: ProxyHandshake
    private let shard: Shard
    private let onOpen: () -> Void
    private let onFailure: (ProxyError) -> Void
    private var context: ChannelHandlerContext?
    private var isOver = false

    init(
        proxy: ProxyAddress, server: HostPort, showsCredentials: Bool, until deadline: NIODeadline, shard: Shard,
        onOpen: @escaping () -> Void, onFailure: @escaping (ProxyError) -> Void
    ) {
        self.proxy = proxy
        self.handshake = ProxyHandshake(proxy: proxy, server: server, showsCredentials: showsCredentials)
        self.deadline = deadline
        self.shard = shard
        self.onOpen = onOpen
        self.onFailure = onFailure
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        shard.deadlines.remove(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        shard.deadlines.add(self)
        context.writeAndFlush(wrapOutboundOut(handshake.request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return context.fireChannelRead(data) }
        let wasRefused = handshake.isRefused
        switch handshake.receive(unwrapInboundIn(data), time: WallTime.seconds) {
        case .more:
            guard handshake.isRefused, !wasRefused, let limit = deadline else { break }
            deadline = min(limit, .now() + Self.patience)
        case .refused(let refusal): fail(ProxyError(message: refusal.reason, refusal: refusal), context)
        case .open(let rest):
            isOver = true
            onOpen()
            context.fireChannelActive()
            if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail("the proxy \(proxy.text) closed the connection without an answer", context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isOver else { return context.fireErrorCaught(error) }
        fail("the proxy \(proxy.text): \(ConnectionFailure.words(for: error))", context)
    }

    func expire(now: NIODeadline) {
        if let context { fail("the proxy \(proxy.text) didn't answer in time", context) }
    }

    /// Nothing more comes. A refusal that has begun is the reason.
    private func fail(_ reason: String, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        let refusal = handshake.finish(time: WallTime.seconds)
        fail(ProxyError(message: refusal?.reason ?? reason, refusal: refusal), context)
    }

    private func fail(_ error: ProxyError, _ context: ChannelHandlerContext) {
        isOver = true
        onFailure(error)
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension ProxyConnectHandler: Sendable {}
