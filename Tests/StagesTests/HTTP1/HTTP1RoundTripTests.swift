import NIOCore
import Testing
import TunnelStages

/// What the writer writes, the parser reads: random pipelines of messages, cut at random.
@Suite struct HTTP1RoundTripTests {
    @Test(arguments: 0..<300) func requests(_ seed: Int) throws {
        var maker = MessageMaker(UInt64(seed))
        var buffer = ByteBuffer()
        var expected: [String] = []
        for _ in 0..<(1 + maker.random.below(8)) { expected += try maker.request(into: &buffer) }
        let bytes = Array(buffer.readableBytesView)
        let transcript = Transcript(HTTP1RequestParser(), bytes, cuts: maker.random.cuts(bytes.count, most: 12))
        #expect(transcript.lines == expected)
    }

    @Test(arguments: 0..<300) func responses(_ seed: Int) {
        var maker = MessageMaker(UInt64(seed))
        var buffer = ByteBuffer()
        var expected: [String] = []
        var methods: [String] = []
        for _ in 0..<(1 + maker.random.below(8)) {
            let (method, lines) = maker.response(into: &buffer)
            methods.append(method)
            expected += lines
        }
        let bytes = Array(buffer.readableBytesView)
        let transcript = Transcript(AnsweringParser(methods), bytes, cuts: maker.random.cuts(bytes.count, most: 12))
        #expect(transcript.lines == expected)
    }

    @Test func bodyIsNotCopied() throws {
        var parser = HTTP1ResponseParser()
        parser.expectResponse(to: "GET")
        let read = ByteBuffer(bytes: wire("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n4\ndefg\n0\n\n"))
        let start = read.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        parser.append(read)
        var pieces: [String] = []
        while let part = try parser.next() {
            guard case .body(let bytes) = part else { continue }
            pieces.append(String(buffer: bytes))
            let place = bytes.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
            #expect(place > start && place < start + UInt(read.readableBytes))
        }
        #expect(pieces == ["abc", "defg"])
    }
}
