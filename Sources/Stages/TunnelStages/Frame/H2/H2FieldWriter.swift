import NIOCore

/// Writes fields as HPACK's literals that no table is needed for (RFC 7541, 6.2.2 and 6.2.3).
enum H2FieldWriter {
    /// The form of a literal that isn't kept, with the number of its name.
    static func begin(name index: Int, isNeverIndexed: Bool, to block: inout ByteBuffer) {
        write(integer: index, prefix: 4, first: isNeverIndexed ? 0x10 : 0, to: &block)
    }

    /// A text as it is, for a reader in this process.
    static func write(plain text: some Collection<UInt8>, to block: inout ByteBuffer) {
        write(integer: text.count, prefix: 7, first: 0, to: &block)
        block.writeBytes(text)
    }

    /// A text in the shorter form.
    static func write(_ text: [UInt8], to block: inout ByteBuffer) {
        let length = H2HuffmanCode.codedLength(text)
        guard length < text.count else { return write(plain: text, to: &block) }
        write(integer: length, prefix: 7, first: 0x80, to: &block)
        var coded: [UInt8] = []
        coded.reserveCapacity(length)
        H2HuffmanCode.encode(text) { coded.append($0) }
        block.writeBytes(coded)
    }

    private static func write(integer: Int, prefix: Int, first: UInt8, to block: inout ByteBuffer) {
        let mask = 1 << prefix - 1
        guard integer >= mask else {
            block.writeInteger(first | UInt8(truncatingIfNeeded: integer))
            return
        }
        block.writeInteger(first | UInt8(truncatingIfNeeded: mask))
        var rest = integer - mask
        while rest >= 0x80 {
            block.writeInteger(UInt8(truncatingIfNeeded: rest & 0x7F) | 0x80)
            rest >>= 7
        }
        block.writeInteger(UInt8(truncatingIfNeeded: rest))
    }
}
