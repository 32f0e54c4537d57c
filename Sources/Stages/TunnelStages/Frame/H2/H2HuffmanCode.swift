/// The code that HPACK writes texts in (RFC 7541, 5.2 and B). It is canonical: codes of one length follow each other in the order of their
/// symbols, so that the lengths say all.
package enum H2HuffmanCode {
    /// Bits of each byte's code, and of the end's, which no text has.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28,
        28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23,
        24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22,
        23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
        27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27,
        26,
        30,
    ]

    /// The codes of one length.
    private struct Row: Sendable {
        var bits: UInt64
        /// The code behind the last of this length, moved to the top of 32 bits.
        var limit: UInt64
        /// The first code, and where its symbol stands in `symbols`.
        var first: UInt64
        var offset: Int
    }

    private static let symbols = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
    private static let (rows, codes) = makeTables()

    private static func makeTables() -> ([Row], [UInt32]) {
        var rows: [Row] = []
        var codes = [UInt32](repeating: 0, count: lengths.count)
        var code: UInt64 = 0
        for (offset, symbol) in symbols.enumerated() {
            let bits = UInt64(lengths[symbol])
            if let last = rows.last, last.bits < bits { code <<= bits - last.bits }
            if rows.last?.bits != bits { rows.append(Row(bits: bits, limit: 0, first: code, offset: offset)) }
            codes[symbol] = UInt32(truncatingIfNeeded: code)
            code += 1
            rows[rows.count - 1].limit = code << (32 - bits)
        }
        return (rows, codes)
    }

    /// Adds the text that was coded to `text`. False for what is no such code: the end's symbol, or bits behind the last symbol that aren't
    /// up to seven ones (RFC 7541, 5.2).
    package static func decode(_ bytes: UnsafeRawBufferPointer, into text: inout [UInt8]) -> Bool {
        let rows = Self.rows
        let symbols = Self.symbols
        var window: UInt64 = 0
        var count: UInt64 = 0
        var next = 0
        while true {
            while count <= 32, next < bytes.count {
                window = window << 8 | UInt64(bytes[next])
                next += 1
                count += 8
            }
            guard count > 0 else { return true }
            // The next 32 bits; behind the end there are ones.
            let missing = count < 32 ? 32 - count : 0
            let head = (count < 32 ? window << missing | (1 << missing - 1) : window >> (count - 32)) & 0xFFFF_FFFF
            guard let row = rows.first(where: { head < $0.limit }), row.bits <= count else {
                // Only padding may be left.
                return count < 8 && next == bytes.count && head == 0xFFFF_FFFF
            }
            let symbol = symbols[row.offset + Int(head >> (32 - row.bits) - row.first)]
            guard symbol < 256 else { return false }
            text.append(UInt8(symbol))
            count -= row.bits
            window &= (1 << count) - 1
        }
    }

    /// How many bytes a text has in this code.
    package static func codedLength(_ text: [UInt8]) -> Int { (text.reduce(0) { $0 + Int(lengths[Int($1)]) } + 7) / 8 }

    /// Calls `write` with each byte of the coded text.
    package static func encode(_ text: [UInt8], _ write: (UInt8) -> Void) {
        var window: UInt64 = 0
        var count: UInt64 = 0
        for byte in text {
            let bits = UInt64(lengths[Int(byte)])
            window = window << bits | UInt64(codes[Int(byte)])
            count += bits
            while count >= 8 {
                count -= 8
                write(UInt8(truncatingIfNeeded: window >> count))
            }
            window &= (1 << count) - 1
        }
        if count > 0 { write(UInt8(truncatingIfNeeded: window << (8 - count) | (1 << (8 - count) - 1))) }
    }
}
