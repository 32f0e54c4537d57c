import NIOCore
import Testing

@testable import TunnelStages

/// Two ends, frames both ways, and a connection that is cut wherever it happens: what arrives is what was sent.
@Suite struct ResumptionModelTests {
    /// Frames of a stream without an end: what is in each follows from its number.
    private struct Side {
        var send = ResumableSend(bound: 200_000)
        var receive = ResumableReceive(window: 160_000)
        var decoder = MuxFrameDecoder()
        /// On its way to the other side.
        var wire = ByteBuffer()
        var sentFrames: UInt64 = 0
        var sentData = 0
        var receivedFrames: UInt64 = 0
        var receivedData = 0
        var acknowledgements = 0
        var fault: String?

        mutating func write(_ random: inout SeededGenerator) {
            guard !send.isFull else { return }
            var header = ByteBuffer()
            if random.chance(50) {
                MuxFrameEncoder.ping(sentFrames, isReply: false, into: &header)
                sentFrames += 1
                put(header, isUsedAgain: true)
            } else {
                let count = 1 + random.below(random.chance(20) ? 20_000 : 600)
                MuxFrameEncoder.header(.data, stream: 1, length: count, into: &header)
                put(header, isUsedAgain: true)
                put(Side.bytes(sentData, count))
                sentData += count
            }
        }

        /// Comes again from its beginning, with the longest part behind it that is asked for.
        private static let period = 242_144
        private static let pattern = ByteBuffer(
            bytes: (0..<(period + 20_000)).map { UInt8(truncatingIfNeeded: ($0 % period &* 2_654_435_761) >> 11) })

        static func bytes(_ place: Int, _ count: Int) -> ByteBuffer {
            let start = place % period
            return pattern.getSlice(at: start, length: count) ?? ByteBuffer()
        }

        private mutating func put(_ bytes: ByteBuffer, isUsedAgain: Bool = false) {
            send.keep(bytes, isUsedAgain: isUsedAgain)
            wire.writeImmutableBuffer(bytes)
        }

        mutating func acknowledge() {
            guard !send.isBehind, receive.hasNews else { return }
            var frame = ByteBuffer()
            MuxFrameEncoder.acknowledged(receive.acknowledge(without: decoder.unclear), into: &frame)
            acknowledgements += 1
            wire.writeImmutableBuffer(frame)
        }

        mutating func read(_ bytes: ByteBuffer) {
            receive.take(bytes.readableBytes)
            decoder.append(bytes)
            do {
                while fault == nil, let frame = try decoder.next() { take(frame) }
            } catch {
                fault = "\(error)"
            }
        }

        private mutating func take(_ frame: MuxFrame) {
            switch frame {
            case .ping(let number):
                if number != receivedFrames { fault = "frame \(number) in place of \(receivedFrames)" }
                receivedFrames += 1
            case .data(_, let bytes, _, _):
                if !bytes.readableBytesView.elementsEqual(Side.bytes(receivedData, bytes.readableBytes).readableBytesView) {
                    fault = "other bytes from \(receivedData) on"
                }
                receivedData += bytes.readableBytes
            case .acknowledged(let position):
                receive.leaveOut(16)
                if send.acknowledge(position) == nil { fault = "acknowledges \(position) of \(send.sent)" }
            default:
                fault = "\(frame)"
            }
        }

        mutating func lose() {
            wire = ByteBuffer()
            receive.leaveOut(decoder.unclear)
            decoder.forgetUnclear()
        }
    }

    @Test(arguments: 0..<4) func cuts(_ part: Int) {
        var random = SeededGenerator(UInt64(part) + 400)
        var sides = [Side(), Side()]
        var (cuts, halfRepeated) = (0, 0)
        for step in 0..<100_000 {
            let index = random.below(2)
            switch random.below(20) {
            case 0..<6: if !sides[index].send.isBehind { sides[index].write(&random) }
            case 6: if random.chance(30) { sides[index].acknowledge() }
            case 7:
                guard random.chance(3) else { break }
                if sides.contains(where: \.send.isBehind) { halfRepeated += 1 }
                for each in 0..<2 { sides[each].lose() }
                let positions = sides.map(\.receive.received)
                for each in 0..<2 where !sides[each].send.resume(at: positions[1 - each]) {
                    Issue.record("part \(part), step \(step): no way back to \(positions[1 - each])")
                    return
                }
                cuts += 1
            case 8, 9: if let bytes = sides[index].send.next() { sides[index].wire.writeImmutableBuffer(bytes) }
            default:
                let count = min(sides[1 - index].wire.readableBytes, 1 + random.below(random.chance(50) ? 9 : 4_000))
                guard count > 0, let bytes = sides[1 - index].wire.readSlice(length: count) else { break }
                if sides[1 - index].wire.readerIndex > 1 << 20 { sides[1 - index].wire.discardReadBytes() }
                sides[index].read(bytes)
            }
            if let fault = sides.compactMap(\.fault).first {
                Issue.record("part \(part), step \(step), after \(cuts) cuts: \(fault)")
                return
            }
        }
        #expect(cuts > 80 && halfRepeated > 5 && sides.allSatisfy { $0.acknowledgements > 50 }, "\(cuts), \(halfRepeated)")
        // What is still on its way arrives, and nothing is missing.
        for index in 0..<2 {
            while let bytes = sides[index].send.next() { sides[index].wire.writeImmutableBuffer(bytes) }
            sides[1 - index].read(sides[index].wire)
            #expect(sides[1 - index].fault == nil)
            #expect(sides[1 - index].receivedData == sides[index].sentData)
            #expect(sides[1 - index].receivedFrames == sides[index].sentFrames)
        }
    }
}
