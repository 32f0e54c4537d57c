import HTTPMessages
import NIOCore
import Testing

/// Blocks that came over the wire: nothing but whole, well-formed entries is taken.
struct HeaderFieldsTests {
    private let fields = HeaderFields([("accept", "*/*"), ("x", ""), ("Cookie", "a=b; c=\u{E4}\t")])

    @Test func blockIsTakenAsItIs() throws {
        let taken = try #require(HeaderFields(block: fields.block, count: fields.count))
        #expect(taken == fields)
    }

    @Test func noPartOfABlockIsTaken() {
        for length in 0..<fields.block.readableBytes {
            let part = fields.block.getSlice(at: fields.block.readerIndex, length: length) ?? ByteBuffer()
            #expect(HeaderFields(block: part, count: fields.count) == nil, "\(length)")
        }
    }

    @Test(arguments: [0, 1, 2, 4, 65_535])
    func countHasToBeTrue(_ count: Int) {
        #expect(HeaderFields(block: fields.block, count: count) == nil)
    }

    /// Every byte in a name and in a value, against the grammar's classes.
    @Test func bytesAreChecked() {
        for byte in UInt8.min...UInt8.max {
            let inName = ByteBuffer(bytes: [0, 3, 0, 1, 0x61, byte, 0x62, 0x63])
            let inValue = ByteBuffer(bytes: [0, 1, 0, 3, 0x61, 0x62, byte, 0x63])
            #expect((HeaderFields(block: inName, count: 1) != nil) == HTTPGrammar.isTokenByte(byte), "\(byte)")
            #expect((HeaderFields(block: inValue, count: 1) != nil) == HTTPGrammar.isFieldValueByte(byte), "\(byte)")
        }
    }

    @Test func nameMustNotBeEmpty() {
        #expect(HeaderFields(block: ByteBuffer(bytes: [0, 0, 0, 1, 0x61]), count: 1) == nil)
    }

    /// The classes of RFC 9110, written out.
    @Test func classes() {
        let letters = (0x30...0x39).map(UInt8.init) + (0x41...0x5A).map(UInt8.init) + (0x61...0x7A).map(UInt8.init)
        let tokens = Set(letters + Array("!#$%&'*+-.^_`|~".utf8))
        for byte in UInt8.min...UInt8.max {
            #expect(HTTPGrammar.isTokenByte(byte) == tokens.contains(byte), "\(byte)")
            let isVisible = (0x21...0x7E).contains(byte)
            #expect(HTTPGrammar.isFieldValueByte(byte) == (isVisible || byte == 0x20 || byte == 0x09 || byte >= 0x80), "\(byte)")
            #expect(HTTPGrammar.isTargetByte(byte) == (isVisible || byte >= 0x80), "\(byte)")
        }
    }
}
