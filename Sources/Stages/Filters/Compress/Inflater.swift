import CZlib
import NIOCore

/// One body on its way through zlib's inflate, in steps of bounded size.
final class Inflater {
    /// The most that zlib takes for this, in bytes: the window that the body's first bytes ask for, and its tables.
    static let memory = (32 << 10) + (8 << 10)

    enum Status {
        /// More input is wanted.
        case hungry
        /// There is more to come out of what was taken.
        case full
        /// The body has come to its own end.
        case finished
        case invalid
    }

    private let stream: UnsafeMutablePointer<z_stream>

    /// Nil when there is no memory.
    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 0: as large a window as the body's header says.
        guard inflateInit2_(stream, 0, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Makes it fit for another body. False when it isn't.
    func reset() -> Bool { inflateReset2(stream, 0) == Z_OK }

    /// Takes from `input` what is needed to append up to `limit` bytes to `output`.
    func step(_ input: inout ByteBuffer, into output: inout ByteBuffer, limit: Int) -> Status {
        var result = Z_OK
        let before = input.readableBytes
        let left = input.withUnsafeReadableBytes { bytes in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(bytes.count)
            _ = output.writeForZlib(stream, atLeast: limit, atMost: limit) { result = inflate(stream, Z_NO_FLUSH) }
            stream.pointee.next_in = nil
            return Int(stream.pointee.avail_in)
        }
        input.moveReaderIndex(forwardBy: before - left)
        switch result {
        case Z_STREAM_END: return .finished
        // Z_BUF_ERROR: nothing could be done for want of input, which is no error.
        case Z_OK, Z_BUF_ERROR: return stream.pointee.avail_out == 0 ? .full : .hungry
        default: return .invalid
        }
    }
}

@available(*, unavailable)
extension Inflater: Sendable {}
