import Logging
import NIOCore
import Pipeline

/// Closes a connection on which nothing has passed for too long.
final class IdleHandler: ChannelDuplexHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let limit: TimeAmount
    private let shard: Shard
    private var context: ChannelHandlerContext?
    /// Something passed since the clock was last looked at: a store for each read and write, no system call.
    private var isActive = false

    init(limit: TimeAmount, shard: Shard) {
        self.limit = limit
        self.shard = shard
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = .now() + limit
        shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        shard.deadlines.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        shard.deadlines.remove(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isActive = true
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        isActive = true
        context.write(data, promise: promise)
    }

    func expire(now: NIODeadline) {
        deadline = now + limit
        guard !isActive else {
            isActive = false
            return
        }
        shard.logger.debug("idle connection closed", metadata: ["remote": "\(context?.remoteAddress?.shortDescription ?? "unix")"])
        context?.close(promise: nil)
    }
}

@available(*, unavailable)
extension IdleHandler: Sendable {}
