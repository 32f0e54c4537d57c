import CZlib
import NIOCore

/// One body on its way through zlib's deflate. Used for one exchange, then reset: nothing of one body is left for the next.
final class Deflater {
    // 16 KiB of history and half of zlib's usual hash: half of the memory, at a cost of a few per cent in size.
    private static let windowBits: Int32 = 14
    private static let memoryLevel: Int32 = 7
    /// What zlib takes for this, in bytes.
    static let memory = (1 << (14 + 2)) + (1 << (7 + 9)) + (6 << 10)

    /// After so many bytes it is looked at whether deflating pays.
    private static let trial = 64 << 10

    private let stream: UnsafeMutablePointer<z_stream>
    private(set) var taken = 0
    private(set) var made = 0
    /// The body turned out not to be compressible: what follows is only wrapped.
    private(set) var hasGivenUp = false
    private var isTried = false
    /// Bytes that zlib has taken since it was last told to give everything out.
    private(set) var hasUnflushed = false

    /// Nil when there is no memory.
    init?(level: Int) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard
            deflateInit2_(
                stream, Int32(level), Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Makes it fit for another body. False when it can't be: it works at another level now, or zlib says no.
    func reset() -> Bool {
        guard !hasGivenUp else { return false }
        (taken, made, isTried, hasUnflushed) = (0, 0, false, false)
        return deflateReset(stream) == Z_OK
    }

    /// Takes all of `input`, and appends what zlib gives out. It may keep back much.
    func take(_ input: ByteBuffer, into output: inout ByteBuffer) {
        taken += input.readableBytes
        hasUnflushed = hasUnflushed || input.readableBytes > 0
        input.withUnsafeReadableBytes { bytes in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(bytes.count)
            run(Z_NO_FLUSH, into: &output)
        }
        if !isTried, taken >= Self.trial {
            isTried = true
            // What is still inside zlib is less than a window; without it, was a tenth saved?
            if made * 10 > (taken - (16 << 10)) * 9 { giveUp(into: &output) }
        }
    }

    /// Gives out everything that was taken, so that the other side can use it now.
    func flush(into output: inout ByteBuffer) {
        guard hasUnflushed else { return }
        hasUnflushed = false
        run(Z_SYNC_FLUSH, into: &output)
    }

    func finish(into output: inout ByteBuffer) {
        run(Z_FINISH, into: &output)
    }

    private func giveUp(into output: inout ByteBuffer) {
        hasGivenUp = true
        repeat {
            made += output.writeForZlib(stream) { _ = deflateParams(stream, 0, Z_DEFAULT_STRATEGY) }
        } while stream.pointee.avail_out == 0
    }

    private func run(_ flush: Int32, into output: inout ByteBuffer) {
        // As long as zlib fills what it is given there may be more.
        repeat {
            made += output.writeForZlib(stream) { _ = deflate(stream, flush) }
        } while stream.pointee.avail_out == 0
        stream.pointee.next_in = nil
    }
}

extension ByteBuffer {
    /// Lets zlib write behind what is there. The result is how many bytes it wrote.
    mutating func writeForZlib(
        _ stream: UnsafeMutablePointer<z_stream>, atLeast space: Int = 1_024, atMost limit: Int = .max, _ body: () -> Void
    ) -> Int {
        writeWithUnsafeMutableBytes(minimumWritableBytes: min(space, limit)) { room in
            let room = UnsafeMutableRawBufferPointer(rebasing: room.prefix(limit))
            stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(room.count)
            body()
            return room.count - Int(stream.pointee.avail_out)
        }
    }
}

@available(*, unavailable)
extension Deflater: Sendable {}
