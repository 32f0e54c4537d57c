import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What was read and not yet parsed, and how far it was searched for the end of a line.
struct HTTP1Input: Sendable {
    private(set) var buffer = ByteBuffer()
    /// That many bytes have no line feed. They are not looked at again, or a line that comes byte by byte would cost the
    /// square of its length.
    private var scanned = 0

    enum Line {
        case incomplete
        /// No line feed within the limit.
        case tooLong
        /// A line feed without a carriage return.
        case bare
        /// The line's length without its CR LF.
        case complete(Int)
    }

    var count: Int { buffer.readableBytes }

    /// The first byte, if there is one.
    var first: UInt8? { buffer.getInteger(at: buffer.readerIndex) }

    /// Whether what is there begins with a text, as far as it goes.
    func agrees(with text: StaticString) -> Bool {
        buffer.withUnsafeReadableBytes { bytes in
            let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            for index in 0..<min(bytes.count, expected.count) where bytes[index] != expected[index] { return false }
            return true
        }
    }

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
            scanned = 0
        } else {
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Looks for the next line, which has at most `limit` bytes with its CR LF. The result depends only on the bytes within the
    /// limit, not on how many there are yet.
    mutating func findLine(within limit: Int) -> Line {
        let start = scanned
        let end = min(buffer.readableBytes, limit)
        if end > start {
            let found: Line? = buffer.withUnsafeReadableBytes { bytes in
                guard let base = bytes.baseAddress,
                    let hit = memchr(base + start, Int32(HTTP1Syntax.lineFeed), end - start)
                else { return nil }
                let index = UnsafeRawPointer(hit) - base
                return index > 0 && bytes[index - 1] == HTTP1Syntax.carriageReturn ? .complete(index - 1) : .bare
            }
            if let found { return found }
            scanned = end
        }
        return buffer.readableBytes >= limit ? .tooLong : .incomplete
    }

    /// Goes past a line that `findLine` found.
    mutating func consumeLine(_ length: Int) {
        buffer.moveReaderIndex(forwardBy: length + 2)
        scanned = 0
    }

    /// Up to `limit` bytes, not copied; nil if there are none.
    mutating func take(_ limit: Int64) -> ByteBuffer? {
        let count = Int(min(Int64(buffer.readableBytes), limit))
        guard count > 0 else { return nil }
        scanned = 0
        // What was read into is free for the next reading when nobody has any of it: so nothing is kept here either.
        return count == buffer.readableBytes ? takeAll() : buffer.readSlice(length: count)
    }

    mutating func takeByte() -> UInt8? {
        scanned = 0
        return buffer.readInteger()
    }

    mutating func takeAll() -> ByteBuffer {
        defer {
            buffer = ByteBuffer()
            scanned = 0
        }
        return buffer
    }
}
