import NIOCore
import NIOHTTP2
import Pipeline

/// Stands between HTTP/2 and what closes a connection that drains when its streams have ended: lets the client close it. What the client has
/// on its way would meet a closed connection, and be answered with a reset that may overtake GOAWAY.
final class H2FarewellHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundIn = HTTP2Frame

    /// How long the client has for it.
    private static let patience = TimeAmount.seconds(1)

    private var isDraining = false
    private var timer: Scheduled<Void>?

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is DrainEvent { isDraining = true }
        context.fireUserInboundEventTriggered(event)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isDraining, mode == .all, timer == nil, context.channel.isActive else {
            timer?.cancel()
            return context.close(mode: mode, promise: promise)
        }
        context.channel.closeFuture.cascade(to: promise)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }
}

@available(*, unavailable)
extension H2FarewellHandler: Sendable {}
