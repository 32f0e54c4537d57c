import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// A body is as long as its head said, or the message isn't whole: what is too little or too much would be the next message's.
@Suite struct BodyWriterTests {
    private let writer = BodyWriter(ChannelOutput(ScratchBuffers()))

    /// The announced length, the parts, whether each was taken, and whether the end is one.
    @Test(
        arguments: [
            (5, [5], [true], true), (5, [2, 3], [true, true], true), (5, [], [], false), (5, [4], [true], false),
            (5, [6], [false], false), (5, [5, 1], [true, false], false), (0, [], [], true), (0, [1], [false], false),
        ] as [(Int64, [Int], [Bool], Bool)])
    func `A body has the length of its head`(_ length: Int64, _ parts: [Int], _ taken: [Bool], _ isWhole: Bool) {
        writer.begin(.length(length))
        #expect(parts.map { writer.write(ByteBuffer(repeating: 0x61, count: $0)) } == taken)
        #expect(writer.end(nil) == isWhole)
    }

    @Test(arguments: [BodyFraming.chunked, .untilClose])
    func `A body without a length has any`(_ framing: BodyFraming) {
        writer.begin(framing)
        #expect(writer.write(ByteBuffer(repeating: 0x61, count: 7)))
        #expect(writer.end(nil))
    }

    @Test func `Where there is no body nothing is written`() {
        writer.begin(.none)
        #expect(!writer.write(ByteBuffer(repeating: 0x61, count: 1)))
        #expect(writer.end(nil))
    }

    @Test func `What a message lacked isn't missed by the next`() {
        writer.begin(.length(3))
        writer.begin(.length(1))
        #expect(writer.write(ByteBuffer(repeating: 0x61, count: 1)))
        #expect(writer.end(nil))
    }
}
