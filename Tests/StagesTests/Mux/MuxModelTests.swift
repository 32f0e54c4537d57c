import NIOCore
import Pipeline
import Testing

@testable import Stages

/// Drives both ends with random interleavings and compares what arrives with what was sent.
@Suite struct MuxModelTests {
    private struct Stream {
        var sent: [UInt8] = []
        var arrived: [UInt8] = []
        var hasEnded = false
        var endArrived = false
    }

    @Test(arguments: 0..<120)
    func bytesArriveInOrderAndWhole(_ seed: Int) throws {
        var random = SeededGenerator(UInt64(seed))
        var (opener, acceptor) = try establishedPair()
        var streams: [Int: Stream] = [:]
        var owed: [Int: Int] = [:]
        var toAcceptor = ByteBuffer()
        var opened = 0
        let target = Int.random(in: 1...20, using: &random)
        for step in 0..<20_000 {
            let isFinishing = step > 400
            if opened < target, let slot = opener.session.open(.sample) {
                // The slots of both sides are the same here: both count up, and none is given back before the end.
                opened += 1
                streams[slot] = Stream()
            }
            if !isFinishing, let slot = streams.keys.sorted().randomElement(using: &random), streams[slot]?.hasEnded == false {
                let bytes = (0..<Int.random(in: 1...20_000, using: &random)).map {
                    UInt8(truncatingIfNeeded: $0 &* 31 &+ slot &+ step)
                }
                streams[slot]?.sent += bytes
                opener.session.send(ByteBuffer(bytes: bytes), on: slot)
            }
            if isFinishing || Int.random(in: 0..<40, using: &random) == 0 {
                for slot in streams.keys.sorted()
                where streams[slot]?.hasEnded == false && (isFinishing || Bool.random(using: &random)) {
                    streams[slot]?.hasEnded = true
                    opener.session.end(nil, on: slot)
                }
            }
            _ = opener.write(frames: Int.random(in: 0...8, using: &random))
            toAcceptor.writeBuffer(&opener.out)
            opener.out = ByteBuffer()
            let portion = min(toAcceptor.readableBytes, Int.random(in: 0...70_000, using: &random))
            let part = toAcceptor.readSlice(length: portion) ?? ByteBuffer()
            for event in try acceptor.take(part) {
                switch event {
                case .opened(let slot, _, let early, let end):
                    streams[slot]?.arrived += Array(buffer: early)
                    owed[slot, default: 0] += early.readableBytes
                    if end { streams[slot]?.endArrived = true }
                case .data(let slot, let bytes, let end):
                    streams[slot]?.arrived += Array(buffer: bytes)
                    owed[slot, default: 0] += bytes.readableBytes
                    if end { streams[slot]?.endArrived = true }
                case .failed(let failure):
                    Issue.record("\(failure)")
                    return
                default:
                    break
                }
            }
            for slot in owed.keys.sorted() where isFinishing || Bool.random(using: &random) {
                acceptor.session.consume(owed[slot] ?? 0, on: slot)
                owed[slot] = nil
            }
            #expect(acceptor.session.received <= MuxConfiguration.small.memory)
            _ = try opener.take(acceptor.flush())
            if isFinishing, opened == target, streams.values.allSatisfy(\.endArrived) { break }
        }
        #expect(streams.count == target)
        for (slot, stream) in streams {
            #expect(stream.endArrived, "stream \(slot) is stuck")
            #expect(stream.arrived == stream.sent, "stream \(slot)")
        }
    }
}
