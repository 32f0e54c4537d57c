import NIOCore

/// What stands in front of every frame (RFC 9113, 4.1).
struct H2FrameHeader {
    static let size = 9
    static let (data, headers, reset, pushPromise): (UInt8, UInt8, UInt8, UInt8) = (0, 1, 3, 5)
    static let (windowUpdate, continuation): (UInt8, UInt8) = (8, 9)
    static let (endStream, endHeaders, padded, priority): (UInt8, UInt8, UInt8, UInt8) = (0x01, 0x04, 0x08, 0x20)

    var length: Int
    var type: UInt8
    var flags: UInt8
    /// With its reserved bit.
    var stream: UInt32
    /// Without it, for it says nothing (RFC 9113, 4.1).
    var id: UInt32 { stream & 0x7FFF_FFFF }

    init(length: Int, type: UInt8, flags: UInt8, stream: UInt32) {
        self.length = length
        self.type = type
        self.flags = flags
        self.stream = stream
    }

    /// Nil if it isn't complete.
    init?(_ bytes: ByteBuffer, at index: Int) {
        guard let word = bytes.getInteger(at: index, as: UInt32.self), let flags = bytes.getInteger(at: index + 4, as: UInt8.self),
            let stream = bytes.getInteger(at: index + 5, as: UInt32.self)
        else { return nil }
        self.init(length: Int(word >> 8), type: UInt8(truncatingIfNeeded: word), flags: flags, stream: stream)
    }

    var beginsHead: Bool { type == Self.headers || type == Self.pushPromise }

    /// Whether a frame of a body is its last.
    var isLast: Bool { flags & Self.endStream != 0 }

    /// The header by itself.
    var bytes: ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(Self.size)
        write(to: &bytes)
        return bytes
    }

    func write(to bytes: inout ByteBuffer) {
        bytes.writeInteger(UInt32(truncatingIfNeeded: length) << 8 | UInt32(type))
        bytes.writeInteger(flags)
        bytes.writeInteger(stream)
    }
}
