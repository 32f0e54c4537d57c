import NIOCore
import Pipeline

/// Asks for the WebSocket when an outgoing connection is there. Handlers behind it see the connection become active when the WebSocket is open.
final class WebSocketOpeningHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How it ended.
    enum Ending {
        case open
        case failed(StageError, isMismatch: Bool)
    }

    /// How long what is said to a refusal is waited for.
    private static let refusalPatience = TimeAmount.seconds(2)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private var opening: WebSocketOpening
    private let patience: TimeAmount
    private let shard: Shard
    private let onEnd: (Ending) -> Void
    private var context: ChannelHandlerContext?
    private var isOver = false

    /// - Parameters:
    ///   - patience: How long the handshake may take, from when bytes can be sent.
    ///   - onEnd: Told once, before anything follows from it.
    init(_ opening: WebSocketOpening, patience: TimeAmount, shard: Shard, onEnd: @escaping (Ending) -> Void) {
        self.opening = opening
        self.patience = patience
        self.shard = shard
        self.onEnd = onEnd
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        shard.deadlines.remove(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline = .now() + patience
        shard.deadlines.add(self)
        context.writeAndFlush(wrapOutboundOut(opening.request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return context.fireChannelRead(data) }
        let wasRefused = opening.isRefused
        switch opening.receive(unwrapInboundIn(data)) {
        case .more:
            guard opening.isRefused, !wasRefused, let limit = deadline else { break }
            deadline = min(limit, .now() + Self.refusalPatience)
        case .refused(let refusal): fail(refusal.sentence, isMismatch: refusal.isMismatch, context)
        case .open(let rest):
            isOver = true
            shard.deadlines.remove(self)
            onEnd(.open)
            context.fireChannelActive()
            if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        give(up: "the connection ended during the WebSocket's handshake", context)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard !isOver, case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        give(up: "the connection ended during the WebSocket's handshake", context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isOver else { return context.fireErrorCaught(error) }
        give(up: "in the WebSocket's handshake, \(ConnectionFailure.words(for: error))", context)
    }

    func expire(now: NIODeadline) {
        if let context { give(up: "the WebSocket's handshake took too long", context) }
    }

    /// Nothing more comes. A refusal that has begun is the reason.
    private func give(up reason: String, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        let refusal = opening.finish()
        fail(refusal?.sentence ?? reason, isMismatch: refusal?.isMismatch ?? false, context)
    }

    private func fail(_ sentence: String, isMismatch: Bool, _ context: ChannelHandlerContext) {
        isOver = true
        shard.deadlines.remove(self)
        onEnd(.failed(StageError(.unavailable, sentence), isMismatch: isMismatch))
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension WebSocketOpeningHandler: Sendable {}
