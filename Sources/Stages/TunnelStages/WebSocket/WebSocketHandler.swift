import NIOCore
import NIOWebSocket
import Pipeline
import Platform

/// Carries a connection in a WebSocket, once that is open: stands between the handlers that speak with the network and those that use the
/// connection, for whom it is one as TCP makes them. Confined to the connection's loop.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var reader: WebSocketReader
    private var writer: WebSocketWriter
    private var ends = WebSocketEnds()
    /// Who is at the other end.
    private let peer: String
    private let onFailure: ((StageError) -> Void)?
    /// What the last ping wants back, while it can't be sent: of several only the last is answered (RFC 6455, 5.5.3).
    private var pong: ByteBuffer?
    private var hasUnflushed = false
    private var isReset = false

    /// - Parameters:
    ///   - role: This side.
    ///   - onFailure: Told why the connection is of no use any longer, before it is closed.
    init(_ role: WebSocketSender, onFailure: ((StageError) -> Void)? = nil) {
        reader = WebSocketReader(from: role == .client ? .server : .client)
        writer = WebSocketWriter(for: role)
        peer = role == .client ? "the server" : "the client"
        self.onFailure = onFailure
    }

    // MARK: - From the network

    func channelActive(context: ChannelHandlerContext) {
        ends.opened()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard ends.reads else { return }
        reader.append(unwrapInboundIn(data))
        do throws(WebSocketViolation) {
            // Whoever is told may end the connection.
            while ends.reads, let event = try reader.next() {
                switch event {
                case .data(let bytes): context.fireChannelRead(wrapInboundOut(bytes))
                case .ping(let payload):
                    pong = payload
                    answerPing(context)
                case .close(let code, let reason): inputEnded(code, reason, context)
                }
            }
        } catch {
            let action = ends.violated(error)
            lose("what \(peer) sends is no WebSocket as this side speaks it (code \(error.code))", action, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        guard hasUnflushed else { return }
        hasUnflushed = false
        context.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if pong != nil, context.channel.isWritable {
            answerPing(context)
            hasUnflushed = false
            context.flush()
        }
        context.fireChannelWritabilityChanged()
    }

    private func answerPing(_ context: ChannelHandlerContext) {
        guard let payload = pong, context.channel.isWritable else { return }
        pong = nil
        guard ends.writes else { return }
        hasUnflushed = true
        context.write(wrapOutboundOut(writer.control(.pong, payload)), promise: nil)
    }

    private func inputEnded(_ code: Int, _ reason: String, _ context: ChannelHandlerContext) {
        let mayWrite = (try? context.channel.syncOptions?.getOption(.allowRemoteHalfClosure)) ?? false
        let action = ends.inputEnded(code, mayWrite: mayWrite)
        guard action == .lose else { return perform(action, context, nil) }
        let said = ForeignText.line(reason, limit: 100)
        lose("\(peer) closes the WebSocket: code \(code)" + (said.isEmpty ? "" : " (\(said))"), action, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        let action = ends.transportEnded()
        guard action == .lose else { return perform(action, context, nil) }
        lose("the connection to \(peer) ended without the end of its WebSocket", action, context)
    }

    /// Not the end of a connection, but its loss.
    private func lose(_ sentence: String, _ action: WebSocketEnds.Action, _ context: ChannelHandlerContext) {
        onFailure?(StageError(.unavailable, sentence))
        // Before somebody closes the connection because of the error.
        if case .tellAndEnd(let code) = action { tell(code, context, nil) }
        context.fireErrorCaught(WebSocketError(description: sentence))
        context.close(promise: nil)
    }

    // MARK: - From those who use the connection

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes = unwrapOutboundIn(data)
        guard ends.writes else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        // Somebody waits until what he wrote before is out.
        guard bytes.readableBytes > 0 else { return context.write(data, promise: promise) }
        while bytes.readableBytes > 0 {
            let (frame, payload) = writer.next(of: &bytes)
            let last = bytes.readableBytes == 0 ? promise : nil
            context.write(wrapOutboundOut(frame), promise: payload == nil ? last : nil)
            if let payload { context.write(wrapOutboundOut(payload), promise: last) }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .output: perform(ends.endOutput(), context, promise)
        case .all: perform(ends.close(isReset: isReset), context, promise)
        case .input: promise?.fail(ChannelError.operationUnsupported)
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is TransportReset { isReset = true }
        context.triggerUserOutboundEvent(event, promise: promise)
    }

    // MARK: - Ending

    private func perform(_ action: WebSocketEnds.Action, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        switch action {
        case .nothing: promise?.succeed()
        case .tell(let code): tell(code, context, promise)
        case .tellAndEnd(let code):
            tell(code, context, nil)
            context.close(promise: promise)
        case .tellBehindWritesAndEnd(let code):
            let told = context.eventLoop.makePromise(of: Void.self)
            told.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: promise) }
            tell(code, context, told)
        case .end, .lose: context.close(promise: promise)
        case .endInput: context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .endInputAndConnection:
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            context.close(promise: promise)
        }
    }

    private func tell(_ code: Int, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let frame = writer.control(.connectionClose, WebSocketMessages.closing(code, "").data)
        context.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }
}

@available(*, unavailable)
extension WebSocketHandler: Sendable {}
