import NIOCore
import Pipeline

/// Writes the bodies of a connection's messages, one after the other, and sees to it that each is as long as its head says.
///
/// A class, for a write may call the connection's handler back while it is under way.
final class BodyWriter {
    private(set) var framing = BodyFraming.none
    /// What was written and is not yet credited, raw bytes included.
    var credit = CreditedWriter()
    private var remaining: Int64 = 0

    private static let chunkEnd = ByteBuffer(string: "\r\n")

    /// A head was written, and its body follows in this way.
    func begin(_ framing: BodyFraming) {
        self.framing = framing
        if case .length(let length) = framing { remaining = length }
    }

    /// Bytes that belong to no message: a tunnel's.
    func writeRaw(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        credit.wrote(bytes.readableBytes)
        context.write(NIOAny(bytes), promise: nil)
    }

    /// A part of the body. False, and not written, when the body is longer than its head said.
    func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        let count = bytes.readableBytes
        credit.wrote(count)
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

    /// The body's end. False when it is shorter than its head said.
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
