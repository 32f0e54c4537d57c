import NIOCore
import NIOHPACK
import NIOHTTP2

/// Writes one direction of an exchange to its stream. A head waits for what comes behind it, so that one without a body is one
/// frame; bytes are credited when the stream takes more, which its window and the connection decide.
///
/// A class, for a write may call the stream's handler back while it is under way.
final class H2StreamWriter {
    private var head: HPACKHeaders?
    private var owed = 0

    func write(_ headers: HPACKHeaders) { head = headers }

    func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        writeHead(context)
        owed += bytes.readableBytes
        context.write(NIOAny(HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(bytes)))), promise: nil)
    }

    /// `promise` is kept when the end is on its way behind everything else.
    func end(_ trailers: HPACKHeaders?, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        let payload: HTTP2Frame.FramePayload
        if let head, trailers == nil {
            payload = .headers(.init(headers: head, endStream: true))
            self.head = nil
        } else {
            writeHead(context)
            payload =
                trailers.map { .headers(.init(headers: $0, endStream: true)) }
                ?? .data(.init(data: .byteBuffer(ByteBuffer()), endStream: true))
        }
        context.writeAndFlush(NIOAny(payload), promise: promise)
    }

    /// The result is the credit to give.
    func flush(_ context: ChannelHandlerContext) -> Int {
        writeHead(context)
        context.flush()
        return settle(context)
    }

    /// To be called when the stream's writability changes, too.
    func settle(_ context: ChannelHandlerContext) -> Int {
        guard owed > 0, context.channel.isWritable else { return 0 }
        defer { owed = 0 }
        return owed
    }

    private func writeHead(_ context: ChannelHandlerContext) {
        guard let head else { return }
        self.head = nil
        context.write(NIOAny(HTTP2Frame.FramePayload.headers(.init(headers: head))), promise: nil)
    }
}

extension ChannelHandlerContext {
    /// Closes a connection that speaks HTTP/2 behind everything that was written, GOAWAY say.
    func closeHTTP2AfterWrites() {
        // Before the handler that makes frames, bytes can be written.
        let context = try? pipeline.syncOperations.context(handlerType: NIOHTTP2Handler.self)
        context?.closeTransportAfterWrites()
    }

    /// Lets a stream's channel read, or stops it. Unlike a socket's it doesn't begin by itself when it may, except at the end of
    /// a delivery; within one it isn't to be asked, or it would deliver what comes next in the middle of what is being delivered.
    func setStreamReading(_ reading: Bool, isDelivering: Bool, waiting: H2WaitingDataHandler) {
        channel.setReading(reading)
        if let stream { waiting.setReading(reading, stream) }
        if reading, !isDelivering { read() }
    }

    /// What has come for a stream that has ended waits no longer.
    func streamEnded(waiting: H2WaitingDataHandler) {
        if let stream { waiting.ended(stream) }
    }

    /// The number of a stream's channel, once it has one.
    private var stream: HTTP2StreamID? { try? channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID) }

    /// Resets a stream.
    func resetStream(_ code: HTTP2ErrorCode) {
        writeAndFlush(NIOAny(HTTP2Frame.FramePayload.rstStream(code)), promise: nil)
    }
}
