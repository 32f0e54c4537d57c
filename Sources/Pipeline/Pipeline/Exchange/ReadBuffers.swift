package import NIOCore

/// Memory that connections of one loop have read into, and that somebody kept for longer than a turn of the loop: it is read into again.
/// A connection's own buffers are used again by the library, as soon as nobody has anything of them; what is here takes their place while
/// they are kept. Confined to the loop.
package final class ReadBuffers {
    /// What waits here to be used again at most, in bytes.
    package static let bound = 1 << 20
    /// The sizes of what is taken in, as powers of two: less is copied by whoever keeps it, more is read by nobody.
    private static let sizes = 13...17

    /// By size, the one used last behind the others: its memory is the likeliest to be in the processor's cache.
    private var free = [[ByteBuffer]](repeating: [], count: sizes.count)
    /// What waits here, in bytes.
    package private(set) var held = 0

    /// With nothing in it.
    package init() {}

    /// An empty buffer of exactly so many bytes; nil where there is none.
    package func take(_ size: Int) -> ByteBuffer? {
        guard let place = Self.place(size), let buffer = free[place].popLast() else { return nil }
        held -= size
        return buffer
    }

    /// Has a buffer's memory used again, if nobody else has anything of it and there is place for it.
    /// - Parameter buffer: Given up by the caller, who may not use it any more.
    package func give(_ buffer: inout ByteBuffer) {
        let size = buffer.storageCapacity
        guard let place = Self.place(size), held + size <= Self.bound, buffer.modifyIfUniquelyOwned({ $0.clear() }) != nil else {
            return
        }
        held += size
        free[place].append(buffer)
    }

    private static func place(_ size: Int) -> Int? {
        let power = size.trailingZeroBitCount
        return size.nonzeroBitCount == 1 && sizes.contains(power) ? power - sizes.lowerBound : nil
    }
}

@available(*, unavailable)
extension ReadBuffers: Sendable {}
