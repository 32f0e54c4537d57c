import NIOCore
import Pipeline

/// Waits for a connection's first byte and gives its place to the protocol that this belongs to.
final class DetectHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer

    /// What a SOCKS5 client begins with, and 4 for one whose version is refused with a reason. No HTTP method begins so.
    private static let socksVersions: ClosedRange<UInt8> = 4...5

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let connection: Inbound
    private let port: DetectPort
    private var context: ChannelHandlerContext?

    init(connection: Inbound, port: DetectPort) {
        self.connection = connection
        self.port = port
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = .now() + port.timeout
        port.shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        port.shard.deadlines.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let first = unwrapInboundIn(data).readableBytesView.first else { return }
        do {
            // The new handler is the last of the pipeline, right behind this one.
            try (Self.socksVersions.contains(first) ? port.socks : port.http).accept(connection)
        } catch {
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        port.shard.deadlines.remove(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // Nothing was said yet: there is nothing to finish.
        case is DrainEvent, ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func expire(now: NIODeadline) { context?.close(promise: nil) }
}

@available(*, unavailable)
extension DetectHandler: Sendable {}
