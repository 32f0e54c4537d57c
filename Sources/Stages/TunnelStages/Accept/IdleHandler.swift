import NIOCore
import Pipeline

/// Notes for a connection that something has passed: a store for each read and write, no system call.
final class IdleHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let connection: Inbound

    init(_ connection: Inbound) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.isActive = true
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        connection.isActive = true
        context.write(data, promise: promise)
    }
}

@available(*, unavailable)
extension IdleHandler: Sendable {}
