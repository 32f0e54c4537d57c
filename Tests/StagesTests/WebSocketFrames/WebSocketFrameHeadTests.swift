import NIOCore
import NIOWebSocket
import Testing

@testable import TunnelStages

@Suite struct WebSocketFrameHeadTests {
    /// Each length has the shortest of its forms, on both sides.
    @Test(arguments: [0, 1, 125, 126, 0xFFFF, 0x1_0000, Int.max], [WebSocketSender.client, .server])
    func aHeadComesBack(_ length: Int, from sender: WebSocketSender) throws {
        let head = WebSocketFrameHead(.binary, length: length, mask: sender == .client ? 0x0102_0304 : nil)
        var bytes = ByteBuffer()
        head.write(into: &bytes)
        let size = 2 + (length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8) + (sender == .client ? 4 : 0)
        #expect(bytes.readableBytes == size && WebSocketFrameHead.size(bytes) == size)
        for count in 0..<size {
            var part = bytes.getSlice(at: 0, length: count) ?? ByteBuffer()
            #expect(try WebSocketFrameHead(reading: &part, from: sender) == nil)
            #expect(part.readableBytes == count)
        }
        #expect(try WebSocketFrameHead(reading: &bytes, from: sender) == head)
        #expect(bytes.readableBytes == 0)
    }

    /// What the standard forbids (RFC 6455, 5.2 and 5.5), by what a server gets.
    @Test(
        arguments: [
            ([0xC2, 0x80], "the first reserved bit"), ([0xA2, 0x80], "the second"), ([0x92, 0x80], "the third"),
            ([0x83, 0x80], "a reserved data frame"), ([0x87, 0x80], "another"), ([0x8B, 0x80], "a reserved control frame"),
            ([0x8F, 0x80], "another"), ([0x82, 0x00], "no mask"), ([0x09, 0x80], "a ping that goes on"),
            ([0x08, 0x80], "a close that goes on"),
            ([0x89, 0xFE], "a ping over 125 bytes"), ([0x88, 0xFF], "a close over 125 bytes"),
            ([0x82, 0xFE, 0, 125, 0, 0, 0, 0], "a length in the second form that has the first"),
            ([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0], "a length in the third form that has the second"),
            ([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "a length of 2^63"),
        ] as [([UInt8], String)])
    func whatIsForbidden(_ bytes: [UInt8], _ what: String) {
        var buffer = ByteBuffer(bytes: bytes)
        #expect(throws: WebSocketViolation.protocolError, "\(what)") { try WebSocketFrameHead(reading: &buffer, from: .client) }
    }

    @Test func aServersFrameHasNoMask() {
        var buffer = ByteBuffer(bytes: [0x82, 0x80, 0, 0, 0, 0])
        #expect(throws: WebSocketViolation.protocolError) { try WebSocketFrameHead(reading: &buffer, from: .server) }
    }

    /// Against a mask byte by byte, from each place of it.
    @Test(arguments: 0..<8) func maskingIsItsOwnReverse(_ phase: Int) {
        let mask: UInt32 = 0xA1B2_C3D4
        let key: [UInt8] = [0xA1, 0xB2, 0xC3, 0xD4]
        for count in 0...37 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 5) }
            var masked = ByteBuffer(string: "before")
            WebSocketMask.apply(mask, after: UInt64(phase), to: ByteBuffer(bytes: bytes), into: &masked)
            let expected = bytes.enumerated().map { $0.element ^ key[($0.offset + phase) % 4] }
            #expect(masked.readString(length: 6) == "before")
            #expect(Array(masked.readableBytesView) == expected)
            var back = ByteBuffer()
            WebSocketMask.apply(mask, after: UInt64(phase), to: masked, into: &back)
            #expect(Array(back.readableBytesView) == bytes)
        }
    }
}
