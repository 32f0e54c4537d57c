import NIOCore
import NIOHPACK
import Testing

@testable import TunnelStages

/// Heads on their way between a connection and the library, with all the bytes that fields may have.
@Suite struct H2FieldBytesTests {
    private static let frame = H2Wire.headers

    private func taken(_ bytes: [UInt8], by heads: inout H2IncomingHeads) -> [UInt8] {
        var passed: [UInt8] = []
        heads.take(ByteBuffer(bytes: bytes)) { passed += Array(buffer: $0) }
        return passed
    }

    private func taken(_ bytes: [UInt8]) -> [UInt8] {
        var heads = H2IncomingHeads(preface: 0)
        return taken(bytes, by: &heads)
    }

    /// A literal that is kept, with a new name.
    private func kept(_ name: String, _ value: [UInt8]) -> [UInt8] {
        [0x40, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.count)] + value
    }

    /// The values that the library reads.
    private func values(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator(), maxDynamicTableSize: 4_096, maxHeaderListSize: 1 << 20)
        var values: [[UInt8]] = []
        var block = ByteBuffer()
        for frame in H2Wire.frames(ByteBuffer(bytes: bytes)) where frame.type == 1 || frame.type == 9 {
            var payload = frame.payload
            if frame.flags & 0x20 != 0 { payload.moveReaderIndex(forwardBy: 5) }
            block.writeImmutableBuffer(payload)
            guard frame.flags & 4 != 0 else { continue }
            values += try decoder.decodeHeaders(from: &block).map { H2Text.withBytes($0.value) { Array($0) } }
            block.clear()
        }
        return values
    }

    @Test(
        arguments: [
            [], H2Wire.ok(1), H2Wire.data(1, "text"), H2Wire.announce([(1, 2)]) + H2Wire.ok(1) + H2Wire.data(1, "x", end: true),
            H2Wire.frame(1, 1, flags: 0, [0x88]) + H2Wire.frame(9, 1, flags: 4, [0x88]),
            H2Wire.frame(1, 1, flags: 12, [2, 0x88, 0, 0]),
            H2Wire.frame(1, 1, flags: 0x24, [0, 0, 0, 0, 9, 0x88]), H2Wire.frame(9, 1, flags: 4, [0x88]),
            H2Wire.frame(1, 1, flags: 12, [200, 0x88]) + H2Wire.data(1, "x"), H2Wire.frame(1, 1, [0x88]) + H2Wire.data(1, "x"),
            H2Wire.frame(1, 1, [0x88]) + H2Wire.frame(9, 3, flags: 4), H2Wire.frame(5, 1, flags: 4, [0, 0, 0, 2, 0x82]),
        ] as [[UInt8]])
    func `What has no such bytes passes as it came, split anywhere`(_ bytes: [UInt8]) {
        #expect(taken(bytes) == bytes)
        for split in 0...bytes.count {
            var heads = H2IncomingHeads(preface: 0)
            #expect(taken(Array(bytes[..<split]), by: &heads) + taken(Array(bytes[split...]), by: &heads) == bytes)
        }
        var heads = H2IncomingHeads(preface: 24)
        let opened = Array(H2Wire.preface.utf8) + bytes
        #expect(opened.flatMap { taken([$0], by: &heads) } == opened)
    }

    @Test func `Bytes beyond ASCII arrive, of a table too, split anywhere`() throws {
        let name: [UInt8] = [0x63, 0xE9, 0xFF, 0x80, 0xC3, 0xA9]
        // Kept with the first head, and named by its number in the others: 62, then 63 and 62.
        let bytes =
            H2Wire.frame(1, 1, flags: 4, [0x88] + kept("a", name)) + H2Wire.data(1, "text")
            + H2Wire.frame(1, 3, flags: 12, [1, 0xBE] + kept("b", [0x78]) + [0])
            + H2Wire.frame(1, 5, flags: 0x20, [0, 0, 0, 0, 7, 0xBF]) + H2Wire.frame(9, 5, flags: 4, [0xBE])
        let expected = [Array("200".utf8), name, name, [0x78], name, [0x78]]
        #expect(try values(taken(bytes)) == expected)
        for split in 0...bytes.count {
            var heads = H2IncomingHeads(preface: 0)
            #expect(try values(taken(Array(bytes[..<split]), by: &heads) + taken(Array(bytes[split...]), by: &heads)) == expected)
        }
    }

    @Test func `A head that is written anew is cut where it is refused in any case`() throws {
        let value = [UInt8](repeating: 0xE9, count: 126)
        var bytes: [UInt8] = []
        for index in 0..<1_500 {
            let block = [0, 1, 0x61, 126] + value
            bytes += H2Wire.frame(index % 100 == 0 ? 1 : 9, 1, flags: index % 100 == 99 ? 4 : 0, block)
        }
        // Fifteen heads, each below the limit.
        #expect(try values(taken(bytes)).count == 1_500)
        let large = (0..<90).flatMap {
            H2Wire.frame($0 == 0 ? 1 : 9, 1, flags: $0 == 89 ? 4 : 0, (0..<15).flatMap { _ in [0, 1, 0x61, 126] + value })
        }
        let passed = taken(large)
        #expect(passed.count < 2 * large.count)
        let size = try values(passed).reduce(0) { $0 + $1.count + 33 }
        #expect(size > H2Configuration.headLimit && size < H2Configuration.headLimit + 200)
    }

    @Test(
        arguments: [
            [0x80], [0xC0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x40], [0x40, 1], [0x40, 1, 0x61, 0x7F],
            [0x40, 1, 0x61, 5, 0x61],
            [0x88, 0x20], [0x20, 0x20, 0x20], [0x3F, 0xE2, 0x1F], [0x40, 1, 0x61, 0x81, 0xFE],
            [0x40, 1, 0x61, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x40, 1, 0x61, 0x82, 0x1F, 0xFF],
        ] as [[UInt8]])
    func `What is no block ends the connection`(_ block: [UInt8]) {
        var decoder = H2FieldDecoder(listLimit: 1_000)
        #expect(decoder.decode(ByteBuffer(bytes: block)) == .malformed)
        let passed = taken(H2Wire.frame(1, 1, flags: 4, block) + H2Wire.ok(3))
        #expect(passed == H2Wire.frame(1, 1, flags: 4, [0x80]) + H2Wire.ok(3))
    }

    @Test func `What never ends is held within bounds`() {
        var heads = H2IncomingHeads(preface: 0)
        var passed = taken(H2Wire.frame(1, 1, [UInt8](repeating: 0x88, count: 16_384)), by: &heads)
        for _ in 0..<16 { passed += taken(H2Wire.frame(9, 1, [UInt8](repeating: 0x88, count: 16_384)), by: &heads) }
        #expect(H2Wire.frames(ByteBuffer(bytes: passed)).map(\.payload) == [ByteBuffer(bytes: [0x80])])
        heads = H2IncomingHeads(preface: 0)
        passed = (0..<200).flatMap { taken(H2Wire.frame($0 == 0 ? 1 : 9, 1), by: &heads) }
        #expect(passed.count == 200 * 9)
    }

    @Test func `Bytes of the wire never stop the program`() {
        var random = SeededGenerator(7)
        let good = H2Wire.frame(1, 1, flags: 4, [0x88] + kept("a", [0xE9, 0x61])) + H2Wire.frame(1, 3, flags: 4, [0xBE])
        for _ in 0..<3_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = taken(bytes)
            var out = H2OutgoingHeads(preface: 0)
            _ = out.take(ByteBuffer(bytes: bytes))
        }
    }

    @Test func `What the library writes gets its bytes back`() throws {
        let value: [UInt8] = Array("caf\u{E9} plain text".utf8).map { $0 == 0xC3 ? 0xE9 : $0 == 0xA9 ? 0xFF : $0 }
        let text = value.withUnsafeBytes { H2Text.text($0) }
        var headers = HPACKHeaders([(":status", "200"), ("server", "x")])
        headers.add(name: "location", value: text, indexing: .nonIndexable)
        headers.add(name: "x-new", value: text, indexing: .neverIndexed)
        headers.add(name: "etag", value: "y")
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        var decoder = H2FieldDecoder(listLimit: 10_000)
        for round in 0..<3 {
            var block = ByteBuffer()
            try encoder.encode(headers: headers, to: &block)
            let written = H2Wire.data(1, "before") + H2Wire.frame(1, 1, flags: 4, Array(buffer: block)) + H2Wire.data(1, "behind")
            var heads = H2OutgoingHeads(preface: 0)
            let sent = heads.take(ByteBuffer(bytes: written))
            let frames = H2Wire.frames(sent)
            #expect(frames.map(\.type) == [0, 1, 0] && sent.readableBytes <= written.count, "\(round)")
            guard case .fields(let fields) = decoder.decode(frames[1].payload) else { return #expect(Bool(false)) }
            #expect(fields.map(\.value) == [Array("200".utf8), Array("x".utf8), value, value, Array("y".utf8)])
        }
        // Without such bytes it is the same buffer.
        var heads = H2OutgoingHeads(preface: 24)
        let plain = ByteBuffer(bytes: Array(H2Wire.preface.utf8) + H2Wire.announce() + H2Wire.ok(1) + H2Wire.data(1, "x"))
        #expect(heads.take(plain) == plain)
    }
}
