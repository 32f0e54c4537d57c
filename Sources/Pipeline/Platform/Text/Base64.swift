package import NIOCore

/// Base64 with the standard alphabet and padding (RFC 4648, 4), straight between buffers.
package enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let invalid: UInt8 = 0xFF
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: invalid, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()
    private static let padding = UInt8(ascii: "=")

    /// The length in bytes of the encoded form of `count` bytes, with its padding.
    package static func encodedLength(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// The encoded text of a short value.
    package static func encode(_ text: String) -> String { encode(ByteBuffer(string: text)) }

    /// The encoded text of the readable bytes.
    package static func encode(_ bytes: ByteBuffer) -> String {
        var buffer = ByteBuffer()
        encode(bytes, into: &buffer)
        return String(buffer: buffer)
    }

    /// The bytes that a text stands for, or nil for what is no Base64.
    package static func bytes(of text: String) -> [UInt8]? {
        Array(text.utf8).withUnsafeBytes { decode($0) }.map { Array($0.readableBytesView) }
    }

    /// Encodes the readable bytes behind what is in `buffer`.
    package static func encode(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        let length = encodedLength(bytes.readableBytes)
        bytes.withUnsafeReadableBytes { input in
            digits.withUnsafeBufferPointer { digits in
                _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { output in
                    encode(input, digits, into: output)
                    return length
                }
            }
        }
    }

    private static func encode(
        _ input: UnsafeRawBufferPointer, _ digits: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableRawBufferPointer
    ) {
        var read = 0
        var write = 0
        while read + 3 <= input.count {
            let bits = Int(input[read]) << 16 | Int(input[read + 1]) << 8 | Int(input[read + 2])
            output[write] = digits[bits >> 18]
            output[write + 1] = digits[bits >> 12 & 63]
            output[write + 2] = digits[bits >> 6 & 63]
            output[write + 3] = digits[bits & 63]
            read += 3
            write += 4
        }
        guard read < input.count else { return }
        let isPair = read + 2 == input.count
        let bits = Int(input[read]) << 16 | (isPair ? Int(input[read + 1]) << 8 : 0)
        output[write] = digits[bits >> 18]
        output[write + 1] = digits[bits >> 12 & 63]
        output[write + 2] = isPair ? digits[bits >> 6 & 63] : padding
        output[write + 3] = padding
    }

    /// The decoded bytes, or nil for what is no Base64: another digit, a length that isn't a multiple of four, padding elsewhere
    /// than at the end, or bits in it.
    package static func decode(_ text: UnsafeRawBufferPointer) -> ByteBuffer? {
        guard text.count % 4 == 0 else { return nil }
        guard let last = text.last else { return ByteBuffer() }
        let padded = last != padding ? 0 : text[text.count - 2] == padding ? 2 : 1
        let length = text.count / 4 * 3 - padded
        var result = ByteBuffer()
        var isValid = true
        values.withUnsafeBufferPointer { values in
            _ = result.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { output in
                isValid = decode(text, values, padded, into: output)
                return length
            }
        }
        return isValid ? result : nil
    }

    /// The same of a text.
    package static func bytes(of text: some StringProtocol) -> [UInt8]? {
        Array(text.utf8).withUnsafeBytes { decode($0) }.map { Array($0.readableBytesView) }
    }

    private static func decode(
        _ text: UnsafeRawBufferPointer, _ values: UnsafeBufferPointer<UInt8>, _ padded: Int,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        var write = 0
        let whole = padded == 0 ? text.count : text.count - 4
        var seen: UInt8 = 0
        for read in stride(from: 0, to: whole, by: 4) {
            let (first, second) = (values[Int(text[read])], values[Int(text[read + 1])])
            let (third, fourth) = (values[Int(text[read + 2])], values[Int(text[read + 3])])
            seen |= first | second | third | fourth
            output[write] = first << 2 | second >> 4
            output[write + 1] = second << 4 | third >> 2
            output[write + 2] = third << 6 | fourth
            write += 3
        }
        // Digits have six bits; what is none sets the others.
        guard seen < 64 else { return false }
        guard padded > 0 else { return true }
        let (first, second) = (values[Int(text[whole])], values[Int(text[whole + 1])])
        guard first | second < 64 else { return false }
        output[write] = first << 2 | second >> 4
        guard padded == 1 else { return second & 15 == 0 }
        let third = values[Int(text[whole + 2])]
        guard third < 64, third & 3 == 0 else { return false }
        output[write + 1] = second << 4 | third >> 2
        return true
    }
}
