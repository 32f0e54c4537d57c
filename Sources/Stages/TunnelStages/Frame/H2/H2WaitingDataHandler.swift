import NIOCore
import NIOHTTP2

/// Stands in front of the library's HTTP/2: streams that aren't read say so here, and what comes of them waits here (`H2WaitingData`).
final class H2WaitingDataHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var data: H2WaitingData
    private var context: ChannelHandlerContext?
    private var isPassing = false
    private var isScheduled = false

    /// - Parameters:
    ///   - preface: How many bytes stand in front of the first frame.
    ///   - window: How many bytes a peer may send on a stream beyond those that were read.
    init(preface: Int, window: Int) { data = H2WaitingData(preface: preface, window: window) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.data.add(unwrapInboundIn(data))
        passOn(context)
    }

    /// A peer may close the connection with the last that it sends.
    func channelInactive(context: ChannelHandlerContext) {
        data.end()
        passOn(context)
        context.fireChannelInactive()
    }

    /// What goes on may have streams paused or read again, or have the connection read: that is seen by the one loop.
    private func passOn(_ context: ChannelHandlerContext) {
        guard !isPassing else { return }
        isPassing = true
        while let bytes = data.next() { context.fireChannelRead(wrapInboundOut(bytes)) }
        isPassing = false
    }

    // MARK: - Streams

    /// Says whether a stream is read. One that has ended is read, for the library to count what still comes.
    func setReading(_ isReading: Bool, _ stream: HTTP2StreamID) {
        let stream = UInt32(Int(stream))
        guard isReading else { return data.pause(stream) }
        guard data.resume(stream), !isPassing, !isScheduled, let context else { return }
        // Later, for the library may be in the middle of a delivery.
        isScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isScheduled = false
            guard let context = self.context else { return }
            self.passOn(context)
            context.fireChannelReadComplete()
        }
    }
}

@available(*, unavailable)
extension H2WaitingDataHandler: Sendable {}
