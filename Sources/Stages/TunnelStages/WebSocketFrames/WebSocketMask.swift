package import NIOCore

/// The masking of a client's payload (RFC 6455, 5.3), which is its own reverse.
///
/// It goes from one buffer to another and not in place. What is read from a socket or comes out of TLS is a buffer that its maker still
/// holds, so that changing it would copy it first: that would be two passes over the bytes, and this is one.
package enum WebSocketMask {
    /// A mask that nobody can foresee.
    package static func random() -> UInt32 {
        var generator = SystemRandomNumberGenerator()
        return UInt32.random(in: .min ... .max, using: &generator)
    }

    /// Writes the readable bytes of `input`, masked, behind what is in `output`.
    ///
    /// - Parameters:
    ///   - mask: The first byte uppermost.
    ///   - phase: How many bytes of the payload came before these.
    package static func apply(_ mask: UInt32, after phase: UInt64 = 0, to input: ByteBuffer, into output: inout ByteBuffer) {
        let shift = UInt32(truncatingIfNeeded: phase & 3) * 8
        let turned = shift == 0 ? mask : mask << shift | mask >> (32 - shift)
        let half = UInt64(turned.bigEndian)
        let pattern = half << 32 | half
        let count = input.readableBytes
        input.withUnsafeReadableBytes { source in
            _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
                var index = 0
                while index + 8 <= count {
                    let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    target.storeBytes(of: word ^ pattern, toByteOffset: index, as: UInt64.self)
                    index += 8
                }
                while index < count {
                    target[index] = source[index] ^ UInt8(truncatingIfNeeded: turned >> (24 - 8 * UInt32(index & 3)))
                    index += 1
                }
                return count
            }
        }
    }
}
