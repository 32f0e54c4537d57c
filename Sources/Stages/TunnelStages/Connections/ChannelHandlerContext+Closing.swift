import NIOCore
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Tells the handlers of a connection that it is to be reset, and that they aren't to say goodbye.
struct TransportReset: Sendable {}

extension ChannelHandlerContext {
    /// Ends our half behind everything that was written.
    func closeOutputAfterWrites() {
        let context = NIOLoopBound(self, eventLoop: eventLoop)
        let written = eventLoop.makePromise(of: Void.self)
        writeAndFlush(NIOAny(ByteBuffer()), promise: written)
        written.futureResult.whenSuccess { context.value.close(mode: .output, promise: nil) }
    }

    /// Closes behind everything that was written.
    func closeAfterWrites() {
        let context = NIOLoopBound(self, eventLoop: eventLoop)
        let written = eventLoop.makePromise(of: Void.self)
        writeAndFlush(NIOAny(ByteBuffer()), promise: written)
        written.futureResult.whenComplete { _ in context.value.close(promise: nil) }
    }

    /// Closes behind everything that was written, without the closing handshake of TLS, which waits for the peer: for protocols
    /// that say themselves when they are complete.
    /// - Parameter limit: How long that may take, where a peer that takes nothing, or that nothing reaches, isn't to be waited for until TCP
    ///   gives up.
    func closeTransportAfterWrites(within limit: TimeAmount? = nil) {
        let context = NIOLoopBound(self, eventLoop: eventLoop)
        let written = eventLoop.makePromise(of: Void.self)
        let late = limit.map { eventLoop.assumeIsolated().scheduleTask(in: $0) { context.value.channel.closeTransport() } }
        writeAndFlush(NIOAny(ByteBuffer()), promise: written)
        written.futureResult.assumeIsolated().whenComplete { _ in
            late?.cancel()
            context.value.channel.closeTransport()
        }
    }

    /// Resets the connection, so that the peer can't take what it has for the whole. TLS says no goodbye, which would be taken for that.
    func reset() {
        channel.pipeline.triggerUserOutboundEvent(TransportReset(), promise: nil)
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        channel.closeTransport()
    }
}

extension Channel {
    /// The kernel keeps back what doesn't fill a packet, until our half is ended: to be called before that, and before the last is written.
    func holdForEnd() {
        #if os(Linux)
        try? syncOptions?.setOption(.tcpOption(.init(rawValue: TCP_CORK)), value: 1)
        #endif
    }

    /// Closes without the closing handshake of TLS, which waits for the peer. On the channel's loop.
    func closeTransport() {
        if let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLHandler.self) {
            tls.close(promise: nil)
        } else {
            close(promise: nil)
        }
    }
}
