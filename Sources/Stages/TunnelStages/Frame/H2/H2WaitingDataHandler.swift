import NIOCore
import NIOHTTP2

/// Stands in front of the library's HTTP/2: streams that aren't read say so here, and what comes of them waits here (`H2WaitingData`).
final class H2WaitingDataHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var data: H2WaitingData
    private var context: ChannelHandlerContext?
    private var isPassing = false
    /// The connection ended while something went on.
    private var hasEnded = false
    private var isScheduled = false
    /// By how much the connection's window is to be opened for what nobody wanted.
    private var dropped = 0

    /// - Parameters:
    ///   - preface: How many bytes stand in front of the first frame.
    ///   - configuration: What windows there are.
    init(preface: Int, _ configuration: H2Configuration) {
        data = H2WaitingData(
            preface: preface, window: configuration.streamWindow, connectionWindow: configuration.connectionWindow)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.data.add(unwrapInboundIn(data))
        passOn(context)
    }

    /// A peer may close the connection behind the last that it sends.
    func channelInactive(context: ChannelHandlerContext) {
        guard !isPassing else {
            hasEnded = true
            return
        }
        data.end()
        passOn(context)
        context.fireChannelInactive()
    }

    /// What goes on may have streams paused or read again, and the connection read or closed: that is seen by the one loop.
    private func passOn(_ context: ChannelHandlerContext) {
        guard !isPassing else { return }
        isPassing = true
        while let bytes = data.next() { context.fireChannelRead(wrapInboundOut(bytes)) }
        isPassing = false
        guard hasEnded else { return }
        hasEnded = false
        channelInactive(context: context)
    }

    // MARK: - Streams

    /// Says whether a stream is read.
    func setReading(_ isReading: Bool, _ stream: HTTP2StreamID) {
        guard isReading else { return data.pause(UInt32(Int(stream))) }
        if data.resume(UInt32(Int(stream))), !isPassing { schedule() }
    }

    /// What waits of a stream that has ended is dropped. The library wouldn't take it: it knows only some of those that have ended.
    func ended(_ stream: HTTP2StreamID) {
        dropped += data.forget(UInt32(Int(stream)))
        if dropped > 0 { schedule() }
    }

    /// Later, for the library may be in the middle of a delivery, or of a frame that it writes.
    private func schedule() {
        guard !isScheduled, let context else { return }
        isScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isScheduled = false
            guard let context = self.context else { return }
            self.credit(context)
            self.passOn(context)
            context.fireChannelReadComplete()
        }
    }

    /// WINDOW_UPDATE for the connection (RFC 9113, 6.9): neither the library nor the peer counts what was dropped any more.
    private func credit(_ context: ChannelHandlerContext) {
        guard dropped > 0, context.channel.isActive else { return }
        var frame = H2FrameHeader(length: 4, type: H2FrameHeader.windowUpdate, flags: 0, stream: 0).bytes
        frame.writeInteger(UInt32(dropped))
        dropped = 0
        context.writeAndFlush(NIOAny(IOData.byteBuffer(frame)), promise: nil)
    }
}

@available(*, unavailable)
extension H2WaitingDataHandler: Sendable {}
