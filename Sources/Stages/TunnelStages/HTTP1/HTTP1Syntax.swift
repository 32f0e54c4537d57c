/// The checks of whole stretches of a line. `HTTPGrammar` has the same classes byte by byte; these are inlined here, because a
/// head is mostly the bytes of its values.
enum HTTP1Syntax {
    static let carriageReturn: UInt8 = 0x0D
    static let lineFeed: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09

    // The token bytes (RFC 9110, 5.6.2), one bit each: 0x00 to 0x3F and 0x40 to 0x7F.
    private static let lowTokens: UInt64 = 0x03FF_6CFA_0000_0000
    private static let highTokens: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    @inline(__always)
    static func isTokenByte(_ byte: UInt8) -> Bool {
        byte < 0x80 && ((byte < 0x40 ? lowTokens : highTokens) >> UInt64(byte & 0x3F)) & 1 != 0
    }

    static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for byte in bytes where !isTokenByte(byte) { return false }
        return !bytes.isEmpty
    }

    /// No way out of the loop, so that it is done in vectors.
    static func isFieldValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var bad: UInt8 = 0
        for byte in bytes { bad |= (byte < 0x20 && byte != 0x09) || byte == 0x7F ? 1 : 0 }
        return bad == 0
    }

    /// Visible bytes and those above ASCII.
    static func isTarget(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var bad: UInt8 = 0
        for byte in bytes { bad |= byte <= 0x20 || byte == 0x7F ? 1 : 0 }
        return bad == 0
    }

    /// What a Host field may have (RFC 9110, 7.2): the bytes of a host and a port, possibly none at all.
    static func isHost(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for byte in bytes {
            switch byte {
            case 0x21, 0x24...0x2E, 0x30...0x3B, 0x3D, 0x41...0x5B, 0x5D, 0x5F, 0x61...0x7A, 0x7E: continue
            default: return false
            }
        }
        return true
    }

    /// `name` is in lower case.
    @inline(__always)
    static func equal(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        bytes.count == name.utf8CodeUnitCount && hasPrefix(bytes, name)
    }

    @inline(__always)
    static func hasPrefix(_ bytes: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        let start = prefix.utf8Start
        for index in 0..<prefix.utf8CodeUnitCount {
            let byte = bytes[index]
            guard (byte &- 0x41 < 26 ? byte | 0x20 : byte) == start[index] else { return false }
        }
        return true
    }

    /// The minor version of `HTTP/1.x`, where everything above 1 counts as 1 (RFC 9110, 2.5).
    static func minorVersion(_ bytes: UnsafeRawBufferPointer) throws(HTTP1Error) -> Int {
        guard bytes.count == 8, bytes[0] == UInt8(ascii: "H"), bytes[1] == UInt8(ascii: "T"), bytes[2] == UInt8(ascii: "T"),
            bytes[3] == UInt8(ascii: "P"), bytes[4] == UInt8(ascii: "/"), isDigit(bytes[5]), bytes[6] == UInt8(ascii: "."),
            isDigit(bytes[7])
        else { throw HTTP1Error(.badVersion) }
        guard bytes[5] == UInt8(ascii: "1") else { throw HTTP1Error(.unsupportedVersion) }
        return bytes[7] == UInt8(ascii: "0") ? 0 : 1
    }

    /// Optional white space (RFC 9110, 5.6.3): a space or a tab.
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The value of a hexadecimal digit.
    @inline(__always)
    static func hexDigit(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = byte | 0x20
        return letter &- 0x61 < 6 ? letter &- 0x61 &+ 10 : nil
    }
}
