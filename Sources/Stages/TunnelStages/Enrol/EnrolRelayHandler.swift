import Addresses
import Logging
import NIOCore
import NIOPosix
import Pipeline

/// Carries one connection that enrols to the desk, where the authority's key is, byte for byte: the one who joins and the desk speak TLS with
/// each other, so that what is between them learns no code and can't grant anything. Both ends are of one loop.
final class EnrolRelayHandler: ChannelInboundHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the whole may take; the desk has shorter times of its own.
    private static let patience = TimeAmount.seconds(30)
    /// How long it may take until the desk has answered the first message and the one who joins has said more: whoever opens a connection and
    /// goes silent keeps its place no longer.
    private static let beginning = TimeAmount.seconds(10)
    /// What each side may say, in bytes: a handshake of TLS, with certificates, and a line. So nothing has to be held back.
    private static let limit = 64 << 10

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let connection: Inbound
    private let port: EnrolPort
    private let desk: SocketAddress
    private var context: ChannelHandlerContext?
    /// What came before the desk was reached.
    private var waiting: ByteBuffer?
    private var other: (any Channel)?
    private var left = (there: limit, back: limit)
    private var hasPlace = false
    private let started = NIODeadline.now()
    private var deskHasAnswered = false

    init(connection: Inbound, port: EnrolPort, desk: SocketAddress) {
        self.connection = connection
        self.port = port
        self.desk = desk
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = started + Self.beginning
        port.shard.deadlines.add(self)
        guard port.take(for: connection) else { return context.close(promise: nil) }
        hasPlace = true
        dial(context.eventLoop)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        port.shard.deadlines.remove(self)
        other?.close(promise: nil)
        other = nil
        if hasPlace { port.giveBack(from: connection) }
        hasPlace = false
    }

    private func dial(_ loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop).connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EnrolRelayEnd(front: bound.value))
                }
            }
            .connect(to: desk).assumeIsolated().whenComplete { bound.value.reached($0) }
    }

    private func reached(_ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            // The one who joins may have gone meanwhile.
            guard context != nil else { return channel.close(promise: nil) }
            other = channel
            port.shard.logger.notice(
                "somebody asks the desk to join",
                metadata: ["remote": "\(connection.remote)", "desk": "\(desk.pathname ?? desk.shortDescription)"])
            if let waiting { channel.writeAndFlush(waiting, promise: nil) }
            waiting = nil
        case .failure(let error):
            port.meter.ended(.failed)
            port.shard.logger.warning(
                "somebody asked to join, and the desk can't be reached",
                metadata: [
                    "remote": "\(connection.remote)", "desk": "\(desk.pathname ?? desk.shortDescription)",
                    "reason": "\(ConnectionFailure.words(for: error))",
                ])
            context?.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        left.there -= bytes.readableBytes
        guard left.there >= 0 else { return context.close(promise: nil) }
        if deskHasAnswered { deadline = started + Self.patience }
        if let other { return other.writeAndFlush(bytes, promise: nil) }
        if waiting == nil { waiting = bytes } else { waiting?.writeBuffer(&bytes) }
    }

    /// The desk has said something.
    func answered(_ bytes: ByteBuffer) {
        deskHasAnswered = true
        left.back -= bytes.readableBytes
        guard left.back >= 0 else { return close() }
        context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// The desk has ended the connection, which it does behind its answer.
    func close() { context?.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // TLS says its own end; whoever goes without, goes.
        case ChannelEvent.inputClosed: context.close(promise: nil)
        // What has begun may finish; it has its deadline.
        case is DrainEvent: break
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func expire(now: NIODeadline) { close() }
}

/// The connection to the desk.
private final class EnrolRelayEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private weak var front: EnrolRelayHandler?

    init(front: EnrolRelayHandler) { self.front = front }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { front?.answered(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) {
        front?.close()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

@available(*, unavailable)
extension EnrolRelayHandler: Sendable {}

@available(*, unavailable)
extension EnrolRelayEnd: Sendable {}
