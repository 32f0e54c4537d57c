package import NIOCore

/// Bytes are passed on as slices of what was read. That is free while they are on their way; where they must wait, a small
/// slice may hold a large buffer, and many small buffers cost more than their bytes.
extension ByteBuffer {
    /// Whether these bytes take up less than half of the memory that they keep from being freed.
    package var isSparse: Bool { readableBytes * 2 < storageCapacity }

    /// The same bytes in memory of their own.
    package func compacted() -> ByteBuffer {
        guard readableBytes > 0 else { return ByteBuffer() }
        var copy = ByteBuffer()
        copy.reserveCapacity(readableBytes)
        copy.writeImmutableBuffer(self)
        return copy
    }

    /// Whether what waits behind these bytes should be copied to their end rather than wait in a buffer of its own. Of any two
    /// that stay apart, one has 4 KiB or more.
    package func absorbs(_ next: ByteBuffer) -> Bool { next.readableBytes <= 4_096 && readableBytes <= 12_288 }
}
