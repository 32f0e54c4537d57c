import NIOCore
import Pipeline

/// Stands in front of a server's TLS until the client's first message is there. A client that names protocols of which none is spoken
/// here is told so (RFC 7301, 3.2), which the library doesn't do.
final class ClientHelloHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Why the client was sent away.
    struct Refusal: Error {
        let reason: StageError
    }

    /// A record of TLS with a fatal alert, `no_application_protocol` (RFC 8446, 6).
    private static let alert: [UInt8] = [21, 3, 3, 0, 2, 2, 120]

    /// Whether not one byte has come: somebody looks whether the port is open.
    private(set) var isUntouched = true
    private let protocols: [String]
    private let advice: String?
    private var waiting: ByteBuffer?
    private var isRefused = false
    private var reads = 0
    /// In how many pieces the message may come. It is looked at anew with each of them; in more, it is left to the library.
    private static let patience = 32

    /// - Parameters:
    ///   - protocols: Those that are spoken here; none where it doesn't matter what a client names.
    ///   - advice: What to do about a client that speaks others.
    init(protocols: [String], advice: String? = nil) {
        self.protocols = protocols
        self.advice = advice
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isUntouched = false
        guard !isRefused else { return }
        guard !protocols.isEmpty else { return pass(data, context) }
        var bytes = waiting ?? ByteBuffer()
        var more = unwrapInboundIn(data)
        if bytes.readableBytes == 0 { bytes = more } else { bytes.writeBuffer(&more) }
        reads += 1
        let hello = ClientHello(bytes)
        guard hello != nil || reads == Self.patience else {
            waiting = bytes
            return
        }
        waiting = nil
        guard let named = hello?.protocols, !named.isEmpty, !named.contains(where: protocols.contains) else {
            return pass(wrapInboundOut(bytes), context)
        }
        isRefused = true
        let names = named.prefix(8).map { "'\(ForeignText.line($0, limit: 32))'" }.joined(separator: ", ")
        let reason = StageError(
            .unavailable,
            "the client speaks \(names), and here \(protocols.map { "'\($0)'" }.joined(separator: ", ")) is spoken (ALPN)"
                + (advice.map { "; \($0)" } ?? ""))
        // First the reason: the connection may be closed when the alert is written.
        context.fireErrorCaught(Refusal(reason: reason))
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: Self.alert)), promise: written)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { give(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        give(context)
        context.fireChannelInactive()
    }

    /// Whoever goes in the middle of the message has its bytes read by the library, which says what is wrong.
    private func give(_ context: ChannelHandlerContext) {
        if let bytes = waiting { context.fireChannelRead(wrapInboundOut(bytes)) }
        waiting = nil
    }

    private func pass(_ data: NIOAny, _ context: ChannelHandlerContext) {
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

@available(*, unavailable)
extension ClientHelloHandler: Sendable {}
