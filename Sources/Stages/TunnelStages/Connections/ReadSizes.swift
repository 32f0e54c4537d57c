import NIOCore
import Pipeline

/// How large the buffers are that a connection reads into: twice as large as the last where that was filled, half as large after two in a
/// row that at most half was used of. Where the connection's own are in use, one of its loop's is taken before any is allocated.
///
/// It is small enough to be kept in a channel without memory of its own.
struct ReadSizes: RecvByteBufferAllocator {
    /// The channel asks on its own loop only, which is that of the buffers.
    nonisolated(unsafe) private let buffers: ReadBuffers
    /// Sizes are powers of two.
    private let least: UInt8
    private let most: UInt8
    private var next: UInt8
    private var wasLow = false

    /// - Parameters:
    ///   - range: The least and the most that is read at a time, in bytes, rounded up to powers of two.
    ///   - first: What is read at first, in bytes, rounded up to a power of two.
    init(_ range: ClosedRange<Int>, first: Int, from buffers: ReadBuffers) {
        self.buffers = buffers
        least = Self.power(range.lowerBound)
        most = max(least, Self.power(range.upperBound))
        next = min(max(least, Self.power(first)), most)
    }

    private static func power(_ size: Int) -> UInt8 { UInt8(Int.bitWidth - (max(1, min(size, 1 << 30)) - 1).leadingZeroBitCount) }

    private var size: Int { 1 << Int(next) }

    func nextBufferSize() -> Int? { size }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { buffers.take(size) ?? allocator.buffer(capacity: size) }

    mutating func record(actualReadBytes: Int) -> Bool {
        let isLow = actualReadBytes <= size / 2 && next > least
        let grows = actualReadBytes >= size && next < most
        if grows { next += 1 } else if isLow, wasLow { next -= 1 }
        wasLow = isLow && !wasLow
        return grows
    }
}
