import Logging
import NIOCore
import Pipeline

/// Waits for a connection's first request, and gives its place to what serves it: the WebSocket, or the site beside it.
final class WebSocketOfferHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let connection: Inbound
    private let port: WebSocketServerPort
    private var context: ChannelHandlerContext?
    private var parser = HTTP1RequestParser()
    /// What has come, for the site, which reads it anew.
    private var seen = ByteBuffer()
    private var isOver = false

    init(connection: Inbound, port: WebSocketServerPort) {
        self.connection = connection
        self.port = port
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = .now() + port.patience
        port.shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        port.shard.deadlines.remove(self)
    }

    // What stands behind it hears of the connection when it is known what that is.
    func channelActive(context: ChannelHandlerContext) {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // After a refusal what still comes is thrown away.
        guard !isOver else { return }
        let bytes = unwrapInboundIn(data)
        if seen.readableBytes == 0 { seen = bytes } else { seen.writeImmutableBuffer(bytes) }
        parser.append(bytes)
        let head: HTTP1RequestHead
        do {
            guard case .head(let found)? = try parser.next() else { return }
            head = found
        } catch {
            return giveToSite(context)
        }
        switch port.offer.answer(head) {
        case .open(let response): open(response, context)
        case .refuse(let response, let reason): refuse(response, reason, context)
        case .other: giveToSite(context)
        }
    }

    private func open(_ response: ByteBuffer, _ context: ChannelHandlerContext) {
        isOver = true
        context.writeAndFlush(wrapOutboundOut(response), promise: nil)
        let rest = parser.takeRest()
        hand(on: rest, context) {
            try context.pipeline.syncOperations.addHandler(WebSocketHandler(.server))
            try port.open(connection)
        }
    }

    /// Like an ordinary site, which keeps no connection for a second request: that may be the one for the WebSocket, as a reverse proxy has
    /// its connections from several clients.
    private func giveToSite(_ context: ChannelHandlerContext) {
        isOver = true
        hand(on: seen, context) {
            try port.site.accept(connection)
            context.fireUserInboundEventTriggered(DrainEvent())
        }
    }

    private func hand(on bytes: ByteBuffer, _ context: ChannelHandlerContext, to accept: () throws -> Void) {
        port.shard.deadlines.remove(self)
        seen = ByteBuffer()
        do {
            try accept()
        } catch {
            return context.close(promise: nil)
        }
        context.fireChannelActive()
        if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func refuse(_ response: ByteBuffer, _ reason: String, _ context: ChannelHandlerContext) {
        isOver = true
        seen = ByteBuffer()
        port.meter.refused.add()
        port.shard.logger.info(
            "peer refused",
            metadata: ["remote": "\(connection.remote)", "reason": "the client asks for the WebSocket, and \(reason)"])
        // The other end may be slow to close.
        context.write(wrapOutboundOut(response), promise: nil)
        context.closeAfterWrites()
    }

    func channelInactive(context: ChannelHandlerContext) {
        port.shard.deadlines.remove(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // No request is whole: there is nothing to finish.
        case is DrainEvent, ChannelEvent.inputClosed: if !isOver { context.close(promise: nil) }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func expire(now: NIODeadline) { context?.close(promise: nil) }
}

@available(*, unavailable)
extension WebSocketOfferHandler: Sendable {}
