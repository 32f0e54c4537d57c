import HTTPMessages
import NIOCore
import NIOSSL
import Pipeline

/// Stands in a connection's pipeline and moves bytes between it and a session. The pipeline before it says `channelActive` when bytes
/// can be sent, which under TLS is when the peer is verified. Confined to the connection's loop.
final class MuxConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum End {
        /// On the connection's loop.
        case near(MuxHandler)
        /// On another loop.
        case far(MuxFarEnd)
        /// The session has been let go of: what comes is dropped.
        case none
    }

    private(set) var context: ChannelHandlerContext?
    private var end: End

    init(_ handler: MuxHandler) {
        end = .near(handler)
    }

    /// The session, where it is on the connection's loop.
    var handler: MuxHandler? { if case .near(let handler) = end { handler } else { nil } }

    /// The way to a session on another loop.
    var far: MuxFarEnd? { if case .far(let far) = end { far } else { nil } }

    /// What comes from now on is another session's.
    func serve(_ handler: MuxHandler) { end = .near(handler) }

    /// What comes from now on is a session's that is on another loop.
    func serve(_ far: MuxFarEnd) { end = .far(far) }

    /// The session has no more to do with this connection, which is closed without a word.
    func abandon() {
        end = .none
        context?.reset()
    }

    /// It can be no session's: closed behind a last word.
    func dismiss(with bytes: ByteBuffer) {
        end = .none
        context?.write(NIOAny(bytes), promise: nil)
        context?.closeTransportAfterWrites()
    }

    // MARK: - From the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        handler?.begin(on: self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        let end = end
        self.end = .none
        self.context = nil
        switch end {
        case .near(let handler): handler.removed()
        case .far(let far): far.lost(nil)
        case .none: break
        }
    }

    func channelActive(context: ChannelHandlerContext) { handler?.connected() }

    func channelInactive(context: ChannelHandlerContext) {
        lost(nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The session says itself when it is complete; that TLS wasn't told adds nothing.
        if case NIOSSLError.uncleanShutdown = error { return }
        lost(error)
        context.close(promise: nil)
    }

    private func lost(_ error: (any Error)?) {
        switch end {
        case .near(let handler):
            let peer = handler.peerName
            handler.lost(error.map { .connectionFailed(to: peer, $0) } ?? .connectionLost(to: peer))
        case .far(let far): far.lost(error)
        case .none: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent:
            switch end {
            case .near(let handler): handler.goAway()
            case .far(let far): far.goAway()
            case .none: context.close(promise: nil)
            }
        case is TunnelDisturbance.Event:
            context.reset()
        case ChannelEvent.inputClosed:
            context.close(promise: nil)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch end {
        case .near(let handler): handler.read(unwrapInboundIn(data))
        case .far(let far): far.read(unwrapInboundIn(data))
        case .none: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch end {
        case .near(let handler): handler.readComplete()
        case .far(let far): far.readComplete(context.channel)
        case .none: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            switch end {
            case .near(let handler): handler.pump()
            case .far(let far): far.isWritable()
            case .none: break
            }
        }
        context.fireChannelWritabilityChanged()
    }
}

@available(*, unavailable)
extension MuxConnection: Sendable {}

/// A session's way to its connection.
enum MuxLine {
    /// On the session's loop.
    case near(MuxConnection)
    /// On another loop.
    case far(MuxFarLine)

    var isWritable: Bool {
        switch self {
        case .near(let wire): wire.context?.channel.isWritable ?? false
        case .far(let line): line.isWritable
        }
    }

    /// Whether the kernel, too, has had no sign of life for so long of the other end, though it waits for one. That isn't known of a connection
    /// on another loop, which only an acceptor has.
    func isLost(after time: TimeAmount) -> Bool {
        guard case .near(let wire) = self, let channel = wire.context?.channel else { return false }
        return TCPStatistics(of: channel)?.isUnanswered(for: time) ?? false
    }

    /// Its TCP is told how far the other end is, where that isn't on this loop.
    func suit(to roundTrip: TimeAmount, _ choosesCongestionControl: Bool) {
        if case .far(let line) = self { line.suit(to: roundTrip, choosesCongestionControl) }
    }

    /// It can be nobody's: closed behind a last word.
    func dismiss(with bytes: ByteBuffer) {
        switch self {
        case .near(let wire): wire.dismiss(with: bytes)
        case .far(let line): line.dismiss(with: bytes)
        }
    }

    func write(_ bytes: ByteBuffer) {
        switch self {
        case .near(let wire): wire.context?.write(NIOAny(bytes), promise: nil)
        case .far(let line): line.write(bytes)
        }
    }

    func flush() {
        switch self {
        case .near(let wire): wire.context?.flush()
        case .far(let line): line.flush()
        }
    }

    /// Closes behind everything that was written.
    /// - Parameter limit: How long that may take, where it is the session's loop; nil for as long as TCP tries.
    func closeAfterWrites(within limit: TimeAmount? = nil) {
        switch self {
        case .near(let wire): wire.context?.closeTransportAfterWrites(within: limit)
        case .far(let line): line.closeAfterWrites()
        }
    }

    /// How long what was written may take to leave at a session's end: who has been silent hears no last word, and holds everything up.
    static func farewell(to failure: Failure) -> TimeAmount { failure.code == .tunnelLost ? .milliseconds(250) : .seconds(5) }

    /// Ends this end's half behind everything that was written.
    func closeOutputAfterWrites() {
        switch self {
        case .near(let wire): wire.context?.closeOutputAfterWrites()
        case .far(let line): line.closeOutputAfterWrites()
        }
    }

    /// The session has no more to do with it.
    func abandon() {
        switch self {
        case .near(let wire): wire.abandon()
        case .far(let line): line.abandon()
        }
    }
}

@available(*, unavailable)
extension MuxLine: Sendable {}
