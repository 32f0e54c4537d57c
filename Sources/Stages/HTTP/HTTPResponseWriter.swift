import NIOCore
import Pipeline

/// Writes a connection's responses, one after the other. A class for the reason that `BodyWriter` is one.
final class HTTPResponseWriter {
    let body = BodyWriter()
    private var isTunnel = false

    func reset() {
        body.begin(.none)
        isTunnel = false
    }

    func head(
        _ head: ResponseHead, to request: RequestHead, minorVersion: Int, keepAlive: Bool, _ context: ChannelHandlerContext
    ) {
        var buffer = context.channel.allocator.buffer(capacity: 256 + head.fields.block.readableBytes)
        body.begin(HTTP1Writer.response(head, to: request, minorVersion: minorVersion, keepAlive: keepAlive, into: &buffer))
        isTunnel = head.opensTunnel(for: request)
        guard buffer.readableBytes > 0 else { return }
        context.write(NIOAny(buffer), promise: nil)
        // An informational response is of use only now.
        if head.isInformational { context.flush() }
    }

    /// False when the body is longer than its head said.
    func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        guard isTunnel else { return body.write(bytes, context) }
        body.writeRaw(bytes, context)
        return true
    }
}
