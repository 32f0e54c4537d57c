import NIOCore
import Pipeline

/// Writes a connection's responses, one after the other, and sees to it that each body is as long as its head says.
///
/// A class, for a write may call the connection's handler back while it is under way.
final class HTTPResponseWriter {
    private(set) var framing = BodyFraming.none
    var credit = CreditedWriter()
    private var remaining: Int64 = 0
    private var isTunnel = false

    private static let chunkEnd = ByteBuffer(string: "\r\n")

    func reset() {
        framing = .none
        remaining = 0
        isTunnel = false
    }

    func head(
        _ head: ResponseHead, to request: RequestHead, minorVersion: Int, keepAlive: Bool, _ context: ChannelHandlerContext
    ) {
        var buffer = context.channel.allocator.buffer(capacity: 256 + head.fields.block.readableBytes)
        framing = HTTP1Writer.response(head, to: request, minorVersion: minorVersion, keepAlive: keepAlive, into: &buffer)
        if case .length(let length) = framing { remaining = length }
        isTunnel = head.opensTunnel(for: request)
        guard buffer.readableBytes > 0 else { return }
        context.write(NIOAny(buffer), promise: nil)
        // An informational response is of use only now.
        if head.isInformational { context.flush() }
    }

    /// False when the body is longer than its head said.
    func body(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        let count = bytes.readableBytes
        credit.wrote(count)
        if isTunnel {
            context.write(NIOAny(bytes), promise: nil)
            return true
        }
        switch framing {
        case .none:
            return false
        case .length:
            remaining -= Int64(count)
            guard remaining >= 0 else { return false }
            context.write(NIOAny(bytes), promise: nil)
        case .chunked:
            var header = context.channel.allocator.buffer(capacity: 16)
            HTTP1Writer.chunkHeader(length: count, into: &header)
            context.write(NIOAny(header), promise: nil)
            context.write(NIOAny(bytes), promise: nil)
            context.write(NIOAny(Self.chunkEnd), promise: nil)
        case .untilClose:
            context.write(NIOAny(bytes), promise: nil)
        }
        return true
    }

    /// False when the body is shorter than its head said.
    func end(_ trailers: HeaderFields?, _ context: ChannelHandlerContext) -> Bool {
        switch framing {
        case .length:
            return remaining == 0
        case .chunked:
            var buffer = context.channel.allocator.buffer(capacity: 16)
            HTTP1Writer.lastChunk(trailers: trailers, into: &buffer)
            context.write(NIOAny(buffer), promise: nil)
        case .none, .untilClose:
            break
        }
        return true
    }
}
