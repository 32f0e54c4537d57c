import NIOCore
import Pipeline
import Testing

@testable import Stages

/// Random and mutated frames, a million of them: whatever a peer sends, nothing traps and nothing grows beyond its bound.
@Suite struct MuxMutationTests {
    @Test(arguments: [MuxSession.Role.acceptor, .opener])
    func nothingTrapsOrGrows(_ role: MuxSession.Role) throws {
        var random = SeededGenerator(role == .acceptor ? 1 : 2)
        let head = try #require(MuxHeadCoding.encode(RequestHead.sample))
        let response = try #require(MuxHeadCoding.encode(ResponseHead(status: 200, body: .unknown)))
        var frames = 0
        while frames < 500_000 {
            let pair = try establishedPair()
            var side = role == .acceptor ? pair.acceptor : pair.opener
            if role == .opener { for _ in 0..<4 { _ = side.session.open(.sample) } }
            var input = ByteBuffer()
            for _ in 0..<200 {
                let stream = UInt32.random(in: 0...6, using: &random)
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    MuxFrameEncoder.header(.open, stream: stream, length: 4 + head.readableBytes, into: &input)
                    input.writeInteger(UInt32(head.readableBytes))
                    input.writeImmutableBuffer(head)
                case 1:
                    MuxFrameEncoder.header(.head, stream: stream, length: response.readableBytes, into: &input)
                    input.writeImmutableBuffer(response)
                case 2, 3:
                    let count = Int.random(in: 0...64, using: &random)
                    MuxFrameEncoder.header(
                        .data, stream: stream, length: count, end: Int.random(in: 0..<9, using: &random) == 0, into: &input)
                    input.writeRepeatingByte(7, count: count)
                case 4: MuxFrameEncoder.window(stream: stream, increment: .random(in: 1...9_000, using: &random), into: &input)
                case 5: MuxFrameEncoder.ping(1, isReply: Bool.random(using: &random), into: &input)
                case 6: MuxFrameEncoder.reset(stream: max(1, stream), Failure(.cancelled, "x"), into: &input)
                default: MuxFrameEncoder.header(.trailers, stream: stream, length: 0, into: &input)
                }
                frames += 1
            }
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let index = Int.random(in: 0..<input.writerIndex, using: &random)
                input.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
            }
            while let part = input.readSlice(length: min(input.readableBytes, Int.random(in: 1...900, using: &random))),
                part.readableBytes > 0
            {
                guard let events = try? side.take(part) else { break }
                for case .opened(let slot, _, _, _) in events where Bool.random(using: &random) {
                    side.session.send(ByteBuffer(repeating: 1, count: 300), on: slot)
                    if Bool.random(using: &random) { side.session.reset(slot, Failure(.cancelled, "no")) }
                }
                _ = side.write(frames: 3)
                side.out.clear()
                #expect(side.session.queuedBytes <= MuxConfiguration.small.memory)
                #expect(side.session.received >= 0 && side.session.received <= MuxConfiguration.small.memory)
            }
        }
    }
}
