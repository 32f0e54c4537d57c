import NIOCore
import NIOSSL
import Pipeline

/// Waits for a connection's first message of TLS, and gives its place to what serves the protocol that it asks for.
final class EnrolPeekHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// How long the message may take, as a handshake may.
    private static let patience = TimeAmount.seconds(10)
    /// In how many pieces it may come. It is looked at anew with each of them; in more, it isn't enrolment's.
    private static let pieces = 32

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let connection: Inbound
    private let port: EnrolPort
    private var context: ChannelHandlerContext?
    private var waiting = ByteBuffer()
    private var reads = 0

    init(connection: Inbound, port: EnrolPort) {
        self.connection = connection
        self.port = port
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = .now() + Self.patience
        port.shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        port.shard.deadlines.remove(self)
    }

    // What stands behind it hears of the connection when it is known what that is.
    func channelActive(context: ChannelHandlerContext) {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if waiting.readableBytes == 0 { waiting = bytes } else { waiting.writeBuffer(&bytes) }
        reads += 1
        let hello = ClientHello(waiting)
        guard hello != nil || reads == Self.pieces else { return }
        give(to: hello?.protocols == [EnrolMessage.protocolName], context)
    }

    private func give(to isEnrolment: Bool, _ context: ChannelHandlerContext) {
        port.shard.deadlines.remove(self)
        do {
            switch port.desk {
            case _ where !isEnrolment: try port.downstream.accept(connection)
            case .here(let desk):
                try context.pipeline.syncOperations.addHandlers(
                    NIOSSLServerHandler(context: desk.tls), EnrolHandler(connection: connection, port: port, desk: desk))
            case .at(let address):
                try context.pipeline.syncOperations.addHandler(
                    EnrolRelayHandler(connection: connection, port: port, desk: address))
            }
        } catch {
            return context.close(promise: nil)
        }
        context.fireChannelActive()
        if waiting.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(waiting)) }
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        port.shard.deadlines.remove(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // The library says what is wrong with half a message.
        case ChannelEvent.inputClosed where waiting.readableBytes > 0:
            give(to: false, context)
            context.fireUserInboundEventTriggered(event)
        // Nothing was said yet: there is nothing to finish.
        case is DrainEvent, ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func expire(now: NIODeadline) { context?.close(promise: nil) }
}

@available(*, unavailable)
extension EnrolPeekHandler: Sendable {}
