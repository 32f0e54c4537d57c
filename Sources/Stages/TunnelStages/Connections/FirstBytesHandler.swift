import NIOCore
import Pipeline

/// What becomes of a connection by what it begins with.
enum FirstBytesDecision {
    /// It can't be told yet.
    case wait
    /// Those whom `to` adds to the pipeline serve it, and get these bytes first. `answer` is written before.
    case give(ByteBuffer, answer: ByteBuffer? = nil, to: (ChannelHandlerContext) throws -> Void)
    /// That is said, and the connection ends.
    case refuse(ByteBuffer)
}

/// Decides by what a connection begins with who serves it. A value of one connection, confined to its loop.
protocol FirstBytesReader {
    /// Looks at more of it.
    ///
    /// - Parameters:
    ///   - all: What has come so far, the newest with it.
    ///   - newest: What has come now, never nothing.
    mutating func read(_ all: ByteBuffer, newest: ByteBuffer) -> FirstBytesDecision

    /// The client says no more. To `wait` for somebody who does is to close.
    ///
    /// - Parameter all: What has come.
    mutating func ended(_ all: ByteBuffer) -> FirstBytesDecision
}

extension FirstBytesReader {
    mutating func ended(_ all: ByteBuffer) -> FirstBytesDecision { .wait }
}

/// Waits with a deadline for what a connection begins with, and gives its place in the pipeline, whose last handler it is, to those who serve
/// the connection. Nothing that has begun is cut by it: who has said nothing that leads anywhere when the server drains has nothing to finish.
final class FirstBytesHandler<Reader: FirstBytesReader>: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private var reader: Reader
    private let shard: Shard
    private let patience: TimeAmount
    private var context: ChannelHandlerContext?
    private var waiting = ByteBuffer()
    private var isDecided = false

    /// - Parameter patience: How long it may take until it can be told who serves the connection.
    init(_ reader: Reader, on shard: Shard, within patience: TimeAmount) {
        self.reader = reader
        self.shard = shard
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = .now() + patience
        shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        shard.deadlines.remove(self)
    }

    // Those behind it hear of the connection when they are there.
    func channelActive(context: ChannelHandlerContext) {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Behind a refusal what still comes is thrown away.
        guard !isDecided else { return }
        let bytes = unwrapInboundIn(data)
        guard bytes.readableBytes > 0 else { return }
        if waiting.readableBytes == 0 { waiting = bytes } else { waiting.writeImmutableBuffer(bytes) }
        act(reader.read(waiting, newest: bytes), context)
    }

    /// - Parameter event: What those hear too who get the connection.
    private func act(_ decision: FirstBytesDecision, _ context: ChannelHandlerContext, then event: ChannelEvent? = nil) {
        switch decision {
        case .wait: return
        case .give(let bytes, let answer, let accept):
            isDecided = true
            waiting = ByteBuffer()
            shard.deadlines.remove(self)
            if let answer { context.writeAndFlush(wrapOutboundOut(answer), promise: nil) }
            do {
                try accept(context)
            } catch {
                return context.close(promise: nil)
            }
            context.fireChannelActive()
            if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
            context.fireChannelReadComplete()
            // Whoever is out of the pipeline tells nobody anything.
            if let event { context.fireUserInboundEventTriggered(event) }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        case .refuse(let answer):
            isDecided = true
            waiting = ByteBuffer()
            // The other end may be slow to close: the deadline stays.
            context.write(wrapOutboundOut(answer), promise: nil)
            context.closeAfterWrites()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        shard.deadlines.remove(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            guard !isDecided else { return }
            act(reader.ended(waiting), context, then: .inputClosed)
            if !isDecided { context.close(promise: nil) }
        case is DrainEvent: if !isDecided { context.close(promise: nil) }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func expire(now: NIODeadline) { context?.close(promise: nil) }
}

@available(*, unavailable)
extension FirstBytesHandler: Sendable {}
