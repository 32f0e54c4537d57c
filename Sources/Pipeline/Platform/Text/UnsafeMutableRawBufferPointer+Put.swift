/// Parts that are written one behind the other into memory that was looked for once: each costs a copy, where a `ByteBuffer` would ask for
/// every one of them whether its memory is its own and large enough.
///
/// Each `put` moves the beginning behind what it wrote. What has no room is left out, so that a size that was counted wrong loses bytes
/// and reaches no other memory; callers count an exact size or an upper bound first.
extension UnsafeMutableRawBufferPointer {
    /// Copies bytes.
    @inline(__always)
    package mutating func put(_ bytes: UnsafeRawBufferPointer) {
        let count = Swift.min(bytes.count, self.count)
        copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        self = UnsafeMutableRawBufferPointer(rebasing: self[count...])
    }

    /// Copies a text's bytes.
    @inline(__always)
    package mutating func put(_ text: StaticString) {
        text.withUTF8Buffer { put(UnsafeRawBufferPointer($0)) }
    }

    /// Copies a text's UTF-8.
    @inline(__always)
    package mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a number's bytes, the highest first.
    @inline(__always)
    package mutating func put(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { put($0) }
    }
}
