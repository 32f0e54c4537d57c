import HTTPMessages
import NIOCore

/// Writes the bodies of a connection's messages, one after the other, and sees to it that each is as long as its head says.
///
/// A class, for a write may call the connection's handler back while it is under way.
final class BodyWriter {
    private(set) var framing = BodyFraming.none
    private let output: ChannelOutput
    private var remaining: Int64 = 0

    init(_ output: ChannelOutput) {
        self.output = output
    }

    /// A head was written, and its body follows in this way.
    func begin(_ framing: BodyFraming) {
        self.framing = framing
        remaining = if case .length(let length) = framing { length } else { 0 }
    }

    /// A part of the body. False, and not written, when the body is longer than its head said.
    func write(_ bytes: ByteBuffer) -> Bool {
        let count = bytes.readableBytes
        switch framing {
        case .none:
            return false
        case .length:
            remaining -= Int64(count)
            guard remaining >= 0 else { return false }
            output.write(bytes)
        case .chunked:
            guard count > 0 else { break }
            output.gather { HTTP1Writer.chunkHeader(length: count, into: &$0) }
            output.write(bytes)
            output.gather { HTTP1Writer.chunkTrailer(into: &$0) }
        case .untilClose:
            output.write(bytes)
        }
        return true
    }

    /// The same for a request that asks for another protocol: what is longer than its body belongs to that one.
    func writeUpgrade(_ bytes: ByteBuffer) {
        remaining = max(0, remaining - Int64(bytes.readableBytes))
        output.write(bytes)
    }

    /// The body's end. False when it is shorter than its head said.
    func end(_ trailers: HeaderFields?) -> Bool {
        switch framing {
        case .length:
            return remaining == 0
        case .chunked:
            output.gather { HTTP1Writer.lastChunk(trailers: trailers, into: &$0) }
        case .none, .untilClose:
            break
        }
        return true
    }
}
