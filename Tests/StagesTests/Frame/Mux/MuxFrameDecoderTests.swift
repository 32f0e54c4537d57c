import HTTPMessages
import NIOCore
import Pipeline
import Testing
import TunnelStages

/// Frames come out the same however their bytes are cut, and wrong ones with the right reason.
@Suite struct MuxFrameDecoderTests {
    static let settings = MuxSettings(streamWindow: 1, sessionWindow: 2, maxStreams: 3)
    static let inflating = MuxSettings(streamWindow: 1, sessionWindow: 2, maxStreams: 3, offers: .deflate)
    static let bytes = ByteBuffer(string: "any bytes")
    static let payload = Array("any bytes".utf8)
    static let extended = Array("FLUIDITY".utf8) + [0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 9, 0, 2, 7, 7]

    static let frames: [([UInt8], MuxFrame)] = [
        (MuxWire.hello(stream: 1, session: 2, streams: 3), .hello(settings)),
        (MuxWire.frame(0, 0, extended), .hello(settings)),
        (MuxWire.frame(0, 0, extended + [0, 1, 0, 2, 9, 1]), .hello(inflating)),
        (MuxWire.frame(1, 1, payload), .open(stream: 1, payload: bytes, end: false)),
        (MuxWire.frame(0x81, 0x0102_0304, payload), .open(stream: 0x0102_0304, payload: bytes, end: true)),
        (MuxWire.frame(2, 3, payload), .head(stream: 3, payload: bytes)),
        (MuxWire.frame(2, 3), .head(stream: 3, payload: ByteBuffer())),
        (MuxWire.frame(3, 4, payload), .data(stream: 4, bytes: bytes, end: false, isEmptyFrame: false)),
        (MuxWire.frame(0x83, 11, payload), .data(stream: 11, bytes: bytes, end: true, isEmptyFrame: false)),
        (MuxWire.frame(3, 5), .data(stream: 5, bytes: ByteBuffer(), end: false, isEmptyFrame: true)),
        (MuxWire.frame(0x83, 5), .data(stream: 5, bytes: ByteBuffer(), end: true, isEmptyFrame: true)),
        (MuxWire.frame(4, 6, payload), .trailers(stream: 6, payload: bytes)),
        (MuxWire.window(7, 0x7FFF_FFFF), .window(stream: 7, increment: 0x7FFF_FFFF)),
        (MuxWire.window(0, 0), .window(stream: 0, increment: 0)),
        (MuxWire.reset(8, 17, "gone\r\n"), .reset(stream: 8, Failure(.unreachable, "gone  "))),
        (MuxWire.ping(.max), .ping(.max)),
        (MuxWire.pong(1), .pong(1)),
        (MuxWire.goAway(9), .goAway(last: 9, Failure(.draining, "bye"))),
        (MuxWire.frame(31, 10, payload), .unknown(type: 31)),
    ]

    static let wrong: [(String, [UInt8], Failure.Code)] = [
        ("DATA of 64 KiB and 1", MuxWire.frame(3, 1, length: 65_537), .tooLarge),
        ("a head too large", MuxWire.frame(2, 1, length: 98_305), .tooLarge),
        ("trailers too large", MuxWire.frame(4, 1, length: 98_305), .tooLarge),
        ("an opening too large", MuxWire.frame(1, 1, length: 98_304 + 4 + 16_384 + 1), .tooLarge),
        ("a PING too large", MuxWire.frame(7, 0, length: 1_025), .tooLarge),
        ("an unknown frame too large", MuxWire.frame(20, 0, length: 0xFF_FFFF), .tooLarge),
        ("an ended HEAD", MuxWire.frame(0x82, 1, payload), .protocolViolation),
        ("an ended unknown frame", MuxWire.frame(0x80 | 12, 1, payload), .protocolViolation),
        ("DATA with a flag that isn't known", MuxWire.frame(0x43, 1, payload), .protocolViolation),
        ("DATA with two flags", MuxWire.frame(0xA3, 1, payload), .protocolViolation),
        ("HELLO on a stream", MuxWire.frame(0, 1, extended), .protocolViolation),
        ("HELLO with another magic", MuxWire.frame(0, 0, [UInt8](repeating: 0, count: 22)), .protocolViolation),
        ("HELLO cut short", MuxWire.frame(0, 0, Array(extended.prefix(21))), .protocolViolation),
        ("HELLO with an extension cut short", MuxWire.frame(0, 0, Array(extended.dropLast())), .protocolViolation),
        ("WINDOW of three bytes", MuxWire.frame(5, 1, [0, 0, 1]), .protocolViolation),
        ("WINDOW of five bytes", MuxWire.frame(5, 1, [0, 0, 0, 1, 0]), .protocolViolation),
        ("RESET of no stream", MuxWire.reset(0), .protocolViolation),
        ("RESET without a code", MuxWire.frame(6, 1, [1]), .protocolViolation),
        ("RESET with a text too long", MuxWire.reset(1, 1, String(repeating: "x", count: 257)), .protocolViolation),
        ("PING on a stream", MuxWire.frame(7, 1, MuxWire.integer(UInt64(1))), .protocolViolation),
        ("PONG of seven bytes", MuxWire.frame(8, 0, [UInt8](repeating: 0, count: 7)), .protocolViolation),
        ("GOAWAY on a stream", MuxWire.frame(9, 1, [UInt8](repeating: 0, count: 6)), .protocolViolation),
        ("GOAWAY without a code", MuxWire.frame(9, 0, [0, 0, 0, 1]), .protocolViolation),
    ]

    @Test func wholeFrames() throws {
        #expect(try decode([Self.frames.flatMap(\.0)]) == Self.frames.map(\.1))
    }

    @Test func byteByByte() throws {
        #expect(try decode(Self.frames.flatMap(\.0).map { [$0] }) == Self.frames.map(\.1))
    }

    @Test func splitAtEveryByte() throws {
        let all = Self.frames.flatMap(\.0)
        for place in 0...all.count {
            #expect(try decode([Array(all[..<place]), Array(all[place...])]) == Self.frames.map(\.1), "split at \(place)")
        }
    }

    @Test(arguments: wrong) func wrongFrame(_ name: String, _ bytes: [UInt8], _ code: Failure.Code) throws {
        for parts in [[bytes], bytes.map { [$0] }] {
            var decoder = MuxFrameDecoder()
            let failure = try #require(throws: Failure.self) { _ = try decode(parts, &decoder) }
            #expect(failure.code == code, "\(name): \(failure)")
            decoder.append(ByteBuffer(bytes: MuxWire.ping(1)))
            let next = try decoder.next()
            #expect(next == nil, "nothing comes after a fault")
        }
    }

    @Test func largestFramesPass() throws {
        let sizes: [(UInt8, Int)] = [(1, 98_304 + 4 + 16_384), (2, 98_304), (3, 65_536), (4, 98_304), (20, 1_024)]
        for (type, size) in sizes {
            let bytes = MuxWire.frame(type, 1, [UInt8](repeating: 0, count: size))
            #expect(try decode([Array(bytes.prefix(100)), Array(bytes.dropFirst(100))]).count == 1)
        }
    }

    private func decode(_ parts: [[UInt8]]) throws -> [MuxFrame] {
        var decoder = MuxFrameDecoder()
        return try decode(parts, &decoder)
    }

    private func decode(_ parts: [[UInt8]], _ decoder: inout MuxFrameDecoder) throws -> [MuxFrame] {
        var frames: [MuxFrame] = []
        for part in parts {
            decoder.append(ByteBuffer(bytes: part))
            while let frame = try decoder.next() { join(frame, to: &frames) }
        }
        return frames
    }

    /// Puts the parts of a DATA frame together again.
    private func join(_ frame: MuxFrame, to frames: inout [MuxFrame]) {
        if case .data(let stream, let more, let end, false) = frame,
            case .data(stream, var bytes, false, false) = frames.last
        {
            bytes.writeImmutableBuffer(more)
            frames[frames.count - 1] = .data(stream: stream, bytes: bytes, end: end, isEmptyFrame: false)
        } else {
            frames.append(frame)
        }
    }
}
