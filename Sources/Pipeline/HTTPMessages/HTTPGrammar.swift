/// The character classes of RFC 9110, section 5.
package enum HTTPGrammar {
    // The token bytes, one bit each: 0x00 to 0x3F and 0x40 to 0x7F.
    private static let lowTokens: UInt64 = 0x03FF_6CFA_0000_0000
    private static let highTokens: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// A byte of a method or field name (`tchar`, RFC 9110, 5.6.2).
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        byte < 0x80 && ((byte < 0x40 ? lowTokens : highTokens) >> UInt64(byte & 0x3F)) & 1 != 0
    }

    /// A byte of a field value: visible, space, tab, or obs-text (RFC 9110, 5.5).
    package static func isFieldValueByte(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }

    /// A byte that a request target may have here: visible, or above ASCII.
    package static func isTargetByte(_ byte: UInt8) -> Bool { byte > 0x20 && byte != 0x7F }

    /// A request target with bytes above ASCII percent-encoded, so that it is a legal URI (RFC 3986, 2.1).
    package static func legalTarget(_ bytes: UnsafeRawBufferPointer) -> String {
        guard bytes.contains(where: { $0 >= 0x80 }) else { return String(decoding: bytes, as: UTF8.self) }
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in bytes {
            if byte < 0x80 {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A whole name: token bytes, and at least one.
    package static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for byte in bytes where !isTokenByte(byte) { return false }
        return !bytes.isEmpty
    }

    /// A whole field value. No way out of the loop, so that it is done in vectors.
    package static func isFieldValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var bad: UInt8 = 0
        for byte in bytes { bad |= (byte < 0x20 && byte != 0x09) || byte == 0x7F ? 1 : 0 }
        return bad == 0
    }

    /// An ASCII letter in lower case; any other byte as it is.
    @inline(__always)
    package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// Compares a name with another without regard to ASCII case.
    package static func equal(_ bytes: UnsafeRawBufferPointer, _ other: String) -> Bool {
        var other = other
        return other.withUTF8 { other in equal(bytes, UnsafeRawBufferPointer(other)) }
    }

    /// Compares bytes without regard to ASCII case.
    package static func equal(_ bytes: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == other.count else { return false }
        for index in 0..<bytes.count where lowercased(bytes[index]) != lowercased(other[index]) { return false }
        return true
    }

    /// Compares bytes with a text that the compiler knows, without regard to ASCII case. It allocates nothing.
    package static func equal(_ bytes: UnsafeRawBufferPointer, _ other: StaticString) -> Bool {
        equal(bytes, UnsafeRawBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }

    /// Calls `body` with each element of a comma-separated list, without the space around it. Empty ones are left out
    /// (RFC 9110, 5.6.1).
    package static func forEachListElement(_ value: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        forEachPart(value) { if !$0.isEmpty { body($0) } }
    }

    /// The same with the empty elements.
    package static func forEachPart(_ value: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var rest = value[...]
        while let comma = rest.firstIndex(of: UInt8(ascii: ",")) {
            body(trim(UnsafeRawBufferPointer(rebasing: rest[..<comma])))
            rest = rest[(comma + 1)...]
        }
        body(trim(UnsafeRawBufferPointer(rebasing: rest)))
    }

    /// Without the optional white space at both ends.
    package static func trim(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var end = bytes.count
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }
}

extension HTTPGrammar {
    /// Fields that say something of one connection or of a message's framing, and are made anew at each hop: never part of
    /// an exchange (RFC 9110, 7.6.1; RFC 9112, 6; RFC 9110, 7.2 for Host).
    package static func isHopField(_ name: UnsafeRawBufferPointer) -> Bool {
        switch name.count {
        case 2: equal(name, "te" as StaticString)
        case 4: equal(name, "host" as StaticString)
        case 7: equal(name, "upgrade" as StaticString)
        case 10: equal(name, "connection" as StaticString) || equal(name, "keep-alive" as StaticString)
        case 14: equal(name, "content-length" as StaticString)
        case 16: equal(name, "proxy-connection" as StaticString)
        case 17: equal(name, "transfer-encoding" as StaticString)
        case 18: equal(name, "proxy-authenticate" as StaticString)
        case 19: equal(name, "proxy-authorization" as StaticString)
        default: false
        }
    }
}
