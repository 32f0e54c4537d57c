import NIOCore
import NIOHTTP2
import Pipeline

/// Stands between HTTP/2 and what ends a connection that drains. Says goodbye before the library does, for to that a connection without open
/// streams is over as soon as it has said so, and the first frame of a body that is on its way is an error. And lets the client close a
/// connection whose streams have ended: what it has on its way would meet a closed connection, and be answered with a reset that may
/// overtake GOAWAY.
final class H2FarewellHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundIn = HTTP2Frame

    /// How long the client has to close.
    private static let patience = TimeAmount.seconds(1)
    /// What the PING behind the goodbye has.
    private static let token = HTTP2PingData(withInteger: 0x6661_7265_7765_6C6C)

    /// How long a client has to say that it has heard the goodbye.
    private let answerTime: TimeAmount
    private var isOpen = false
    private var isDraining = false
    /// Until the client has heard that it is to open no more streams.
    private var answer: Scheduled<Void>?
    private var end: Scheduled<Void>?

    init(answerTime: TimeAmount) { self.answerTime = answerTime }

    func channelActive(context: ChannelHandlerContext) {
        isOpen = true
        if isDraining { sayGoodbye(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is DrainEvent, !isDraining else { return context.fireUserInboundEventTriggered(event) }
        isDraining = true
        // While TLS shakes hands nothing can be said, and what the client asks right behind that would be lost without a word.
        if isOpen { sayGoodbye(context) }
    }

    private func sayGoodbye(_ context: ChannelHandlerContext) {
        guard let front = try? context.pipeline.syncOperations.context(handlerType: NIOHTTP2Handler.self) else {
            return heard(context)
        }
        front.writeAndFlush(NIOAny(Self.goodbye), promise: nil)
        answer = context.eventLoop.assumeIsolated().scheduleTask(in: answerTime) { self.heard(context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if answer != nil, case .ping(Self.token, ack: true) = unwrapInboundIn(data).payload { heard(context) }
        context.fireChannelRead(data)
    }

    /// Every stream that the client has opened is known.
    private func heard(_ context: ChannelHandlerContext) {
        answer?.cancel()
        answer = nil
        context.fireUserInboundEventTriggered(DrainEvent())
    }

    /// GOAWAY that leaves out no stream, and PING (RFC 9113, 6.8 and 6.7).
    private static var goodbye: ByteBuffer {
        var bytes = ByteBuffer()
        H2FrameHeader(length: 8, type: 7, flags: 0, stream: 0).write(to: &bytes)
        bytes.writeMultipleIntegers(UInt32(Int32.max), UInt32(0))
        H2FrameHeader(length: 8, type: 6, flags: 0, stream: 0).write(to: &bytes)
        withUnsafeBytes(of: token.bytes) { _ = bytes.writeBytes($0) }
        return bytes
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isDraining, mode == .all, end == nil, context.channel.isActive else {
            end?.cancel()
            return context.close(mode: mode, promise: promise)
        }
        context.channel.closeFuture.cascade(to: promise)
        end = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer?.cancel()
        answer = nil
        end?.cancel()
        context.fireChannelInactive()
    }
}

@available(*, unavailable)
extension H2FarewellHandler: Sendable {}
