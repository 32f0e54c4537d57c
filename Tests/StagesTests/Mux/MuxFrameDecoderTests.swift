import NIOCore
import Pipeline
import Testing

@testable import Stages

@Suite struct MuxFrameDecoderTests {
    /// One of each frame, as bytes.
    static func sample() -> ByteBuffer {
        var out = ByteBuffer()
        MuxFrameEncoder.hello(MuxSettings(streamWindow: 1_000, sessionWindow: 2_000, maxStreams: 3), into: &out)
        MuxFrameEncoder.header(.open, stream: 1, length: 9, end: true, into: &out)
        out.writeInteger(UInt32(3))
        out.writeString("abcde")
        MuxFrameEncoder.header(.head, stream: 1, length: 4, into: &out)
        out.writeString("head")
        MuxFrameEncoder.header(.data, stream: 1, length: 5, into: &out)
        out.writeString("hello")
        MuxFrameEncoder.header(.data, stream: 2, length: 0, end: true, into: &out)
        MuxFrameEncoder.header(.trailers, stream: 3, length: 2, into: &out)
        out.writeString("tt")
        MuxFrameEncoder.window(stream: 1, increment: 77, into: &out)
        MuxFrameEncoder.reset(stream: 1, Failure(.cancelled, "gone"), into: &out)
        MuxFrameEncoder.ping(7, isReply: false, into: &out)
        MuxFrameEncoder.ping(8, isReply: true, into: &out)
        MuxFrameEncoder.goAway(last: 5, Failure(.draining, "bye"), into: &out)
        return out
    }

    /// What the decoder makes of parts, with consecutive parts of one DATA frame joined.
    static func decode(_ parts: [ByteBuffer]) throws -> [String] {
        var decoder = MuxFrameDecoder()
        var frames: [String] = []
        var data = ""
        for part in parts {
            decoder.append(part)
            while let frame = try decoder.next() {
                if case .data(let stream, let bytes, let end, let isEmpty) = frame {
                    data += String(buffer: bytes)
                    if end || isEmpty || data.utf8.count == 5 {
                        frames.append("data \(stream) \(data) \(end)")
                        data = ""
                    }
                } else {
                    frames.append("\(frame)".replacing(#/ByteBuffer: \{ readerIndex: [0-9]+, writerIndex: [0-9]+/#, with: ""))
                }
            }
        }
        return frames.map {
            $0.replacing(#/capacity: [0-9]+, storageCapacity: [0-9]+, slice: [^ ]+, storage: [^ ]+ [^)]*\)/#, with: "")
        }
    }

    @Test func everySplitGivesTheSameFrames() throws {
        let whole = Self.sample()
        let expected = try Self.decode([whole]).map { $0.prefix(24) }
        #expect(expected.count == 11)
        for cut in 1..<whole.readableBytes {
            var rest = whole
            let first = rest.readSlice(length: cut) ?? ByteBuffer()
            #expect(try Self.decode([first, rest]).map { $0.prefix(24) } == expected, "cut at \(cut)")
        }
        var rest = whole
        var bytes: [ByteBuffer] = []
        while let byte = rest.readSlice(length: 1) { bytes.append(byte) }
        #expect(try Self.decode(bytes).map { $0.prefix(24) } == expected)
    }

    @Test(arguments: [
        (UInt64(65_537) << 40 | UInt64(3) << 32 | 1, Failure.Code.tooLarge),
        (UInt64(1_025) << 40 | UInt64(5) << 32 | 1, Failure.Code.tooLarge),
        (UInt64(4) << 40 | UInt64(0x85) << 32 | 1, Failure.Code.protocolViolation),
        (UInt64(4) << 40 | UInt64(0x43) << 32 | 1, Failure.Code.protocolViolation),
    ])
    func malformedHeaders(_ header: UInt64, _ code: Failure.Code) {
        var decoder = MuxFrameDecoder()
        decoder.append(ByteBuffer(integer: header))
        let error = #expect(throws: Failure.self) { while try decoder.next() != nil {} }
        #expect(error?.code == code)
    }
}
