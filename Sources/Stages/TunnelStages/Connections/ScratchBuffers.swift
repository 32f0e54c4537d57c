import NIOCore

/// Buffers that the connections of one loop fill with heads and small writes, and that are used again once these are sent.
final class ScratchBuffers {
    private static let kept = 32
    /// Larger ones, grown for a large head, are not kept.
    private static let largest = 32 << 10

    private var free: [ByteBuffer] = []

    func take() -> ByteBuffer {
        if let buffer = free.popLast() { return buffer }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(1_024)
        return buffer
    }

    func give(_ buffer: ByteBuffer) {
        guard free.count < Self.kept, buffer.storageCapacity <= Self.largest else { return }
        free.append(buffer)
    }
}

@available(*, unavailable)
extension ScratchBuffers: Sendable {}
