import Testing

@testable import TunnelStages

@Suite struct SPNEGOTokenTests {
    /// `NegTokenInit` of RFC 4178, 4.2.1, byte for byte.
    @Test func `The first piece`() {
        let token = SPNEGOToken.first(.kerberos, [0xAA, 0xBB])
        let expected: [UInt8] =
            [0x60, 0x21, 0x06, 0x06, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x02, 0xA0, 0x17, 0x30, 0x15]
            + [0xA0, 0x0D, 0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x02]
            + [0xA2, 0x04, 0x04, 0x02, 0xAA, 0xBB]
        #expect(token == expected)
    }

    /// Lengths of one, two, three and four bytes.
    @Test(arguments: [0, 1, 90, 127, 128, 200, 255, 256, 700, 65_000, 70_000])
    func `Every length`(count: Int) {
        let inner = [UInt8](repeating: 7, count: count)
        let token = SPNEGOToken.first(.kerberos, inner)
        #expect(Array(token.suffix(count)) == inner)
        // What it says of its length is what there is behind it.
        var rest = token.dropFirst()
        let first = Int(rest.removeFirst())
        let length = first < 0x80 ? first : rest.prefix(first & 0x7F).reduce(0) { $0 << 8 | Int($1) }
        #expect(rest.count - (first < 0x80 ? 0 : first & 0x7F) == length)
    }

    @Test(
        arguments: [
            // accept-completed with a mechanism and a token.
            (
                [
                    0xA1, 0x12, 0x30, 0x10, 0xA0, 0x03, 0x0A, 0x01, 0x00, 0xA1, 0x03, 0x06, 0x01, 0x2A, 0xA2, 0x04, 0x04, 0x02,
                    0x01, 0x02,
                ], [1, 2]
            ),
            // Rejected, with nothing.
            ([0xA1, 0x07, 0x30, 0x05, 0xA0, 0x03, 0x0A, 0x01, 0x02], nil),
            // No such layer.
            ([0x4E, 0x54, 0x4C, 0x4D], [0x4E, 0x54, 0x4C, 0x4D]),
            // Lengths that lie.
            ([0xA1, 0x20, 0x30, 0x01], nil), ([0xA1], nil), ([0xA1, 0x80], nil), ([0xA1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], nil),
            ([0xA1, 0x06, 0x30, 0x04, 0xA2, 0x02, 0x04, 0x7F], nil), ([], []),
        ] as [([UInt8], [UInt8]?)])
    func `Answers`(bytes: [UInt8], inner: [UInt8]?) { #expect(SPNEGOToken.answer(bytes) == inner) }

    @Test func `Answers with any byte changed`() {
        let answer: [UInt8] = [
            0xA1, 0x81, 0x12, 0x30, 0x10, 0xA0, 0x03, 0x0A, 0x01, 0x00, 0xA1, 0x03, 0x06, 0x01, 0x2A, 0xA2, 0x04, 0x04, 0x02, 0x01,
            0x02,
        ]
        for index in answer.indices {
            for value in 0...UInt8.max {
                var changed = answer
                changed[index] = value
                #expect((SPNEGOToken.answer(changed)?.count ?? 0) <= answer.count)
            }
            _ = SPNEGOToken.answer(Array(answer[..<index]))
        }
    }
}
