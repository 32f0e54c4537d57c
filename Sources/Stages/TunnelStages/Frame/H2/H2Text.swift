import NIOCore

/// Bytes in the library's texts, which are Strings and can't have all of them: each byte is the character of its number (ISO 8859-1). ASCII,
/// which is nearly everything, is the same both ways.
package enum H2Text {
    /// The text that stands for the bytes, one character each.
    package static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        guard bytes.contains(where: { $0 >= 0x80 }) else { return String(decoding: bytes, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
            var count = 0
            for byte in bytes {
                if byte >= 0x80 {
                    text[count] = 0xC0 | byte >> 6
                    count += 1
                }
                text[count] = byte < 0x80 ? byte : 0x80 | byte & 0x3F
                count += 1
            }
            return count
        }
    }

    /// Calls the body with the bytes that a text stands for; they are valid only during the call.
    package static func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var text = text
        return text.withUTF8 { text in
            guard text.contains(where: { $0 >= 0x80 }) else { return body(UnsafeRawBufferPointer(text)) }
            return bytes(UnsafeRawBufferPointer(text)).withUnsafeBytes(body)
        }
    }

    /// The bytes that a text in UTF-8 stands for.
    static func bytes(_ text: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var lead: UInt8 = 0
        for byte in text {
            switch byte {
            case 0xC0...: lead = byte
            case 0x80...: bytes.append(lead << 6 | byte & 0x3F)
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    /// How many bytes a text stands for.
    static func count(_ text: String) -> Int { text.utf8.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) } }

    static func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }
}
