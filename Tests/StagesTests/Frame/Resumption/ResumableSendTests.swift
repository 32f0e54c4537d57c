import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

/// What is kept of a stream until the peer has it.
@Suite struct ResumableSendTests {
    /// Bytes that say where in the stream they are.
    private func bytes(_ range: Range<Int>) -> ByteBuffer {
        ByteBuffer(bytes: range.map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
    }

    private func rest(_ send: inout ResumableSend) -> [UInt8] {
        var all: [UInt8] = []
        while let part = send.next() { all += part.readableBytesView }
        return all
    }

    /// Sent in parts of these sizes: small ones are copied, large ones are not.
    @Test(arguments: [[1], [4_096, 4_097, 1, 70_000, 3], [10_000, 10_000], Array(repeating: 500, count: 200)], [false, true])
    func `Whatever the peer has, it gets the rest`(_ sizes: [Int], _ isUsedAgain: Bool) {
        var whole = ResumableSend(bound: 1 << 20)
        var end = 0
        for size in sizes {
            whole.keep(bytes(end..<end + size), isUsedAgain: isUsedAgain)
            end += size
        }
        #expect(whole.kept == end && whole.position == UInt64(end) && !whole.isBehind)
        for position in Set([0, 1, end / 3, end / 2, end - 1, end]) {
            var send = whole
            let news = send.acknowledge(UInt64(position / 2))
            #expect(news == position / 2)
            // And once more, for the next connection may be lost as well.
            for _ in 0..<2 {
                let isPossible = send.resume(at: UInt64(position))
                #expect(isPossible && send.kept == end - position && send.isBehind == (position < end))
                let again = rest(&send)
                #expect(again == Array(bytes(position..<end).readableBytesView) && !send.isBehind)
            }
            let last = send.acknowledge(UInt64(end))
            #expect(last == end - position && send.kept == 0)
        }
    }

    @Test func `Positions that can't be are refused`() {
        var send = ResumableSend(bound: 100)
        send.keep(bytes(0..<100))
        let news = [101, 40, 40, 10].map { send.acknowledge($0) }
        #expect(news == [nil, 40, 0, 0])
        let ways = [39, 101].map { send.resume(at: $0) }
        #expect(ways == [false, false] && send.kept == 60)
        // Over a new connection nothing can have come that wasn't sent over it.
        let isPossible = send.resume(at: 50)
        let early = [60, 50].map { send.acknowledge($0) }
        #expect(isPossible && early == [nil, 0])
        let again = rest(&send).count
        let last = send.acknowledge(100)
        #expect(again == 50 && last == 50)
    }

    @Test func `What is kept is bounded`() {
        var send = ResumableSend(bound: 10_000)
        send.keep(bytes(0..<9_999))
        #expect(!send.isFull)
        send.keep(bytes(9_999..<10_000))
        #expect(send.isFull && !send.isOverfull)
        send.keep(bytes(10_000..<10_000 + ResumableSend.reserve))
        #expect(send.isOverfull)
        _ = send.acknowledge(1)
        #expect(send.isFull && !send.isOverfull)
    }

    /// As it is read: a buffer of 128 KiB with so much in it.
    private func read(_ count: Int) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 128 << 10)
        buffer.writeRepeatingByte(7, count: count)
        return buffer
    }

    @Test func `Memory that was read into is given back with its last part`() {
        let buffers = ReadBuffers()
        var send = ResumableSend(bound: 1 << 20)
        var bytes = read(128 << 10)
        for _ in 0..<2 {
            send.keep(ByteBuffer(repeating: 1, count: 8), isUsedAgain: true)
            send.keep(bytes.readSlice(length: 64 << 10) ?? ByteBuffer())
        }
        bytes = ByteBuffer()
        let memory = send.memory
        #expect(memory >= 128 << 10 && memory <= 132 << 10, "\(memory): both parts are in the same memory")
        _ = send.acknowledge((64 << 10) + 20, reusing: buffers)
        #expect(buffers.held == 0 && send.memory == memory)
        _ = send.acknowledge((128 << 10) + 16, reusing: buffers)
        #expect(buffers.held == 128 << 10 && send.memory <= 4_096)
        #expect(buffers.take(128 << 10)?.readableBytes == 0)
    }

    @Test func `What somebody else has as well is nobody's to read into`() {
        let buffers = ReadBuffers()
        var send = ResumableSend(bound: 1 << 20)
        let bytes = read(100_000)
        send.keep(bytes)
        _ = send.acknowledge(100_000, reusing: buffers)
        #expect(buffers.held == 0 && bytes.readableBytes == 100_000 && send.memory == 0)
    }

    @Test func `A little that is kept doesn't keep much memory`() {
        var send = ResumableSend(bound: 8 << 20)
        var most = 0
        for _ in 0..<200 {
            send.keep(read(5_000))
            most = max(most, send.memory - 4 * send.kept)
        }
        #expect(send.kept == 1_000_000 && most <= ResumableSend.loose)
        // All of it comes again, copied or not.
        let isPossible = send.resume(at: 2)
        let again = rest(&send)
        let isWhole = again.count == 1_000_000 - 2 && again.allSatisfy { $0 == 7 }
        #expect(isPossible && isWhole)
        _ = send.acknowledge(1_000_000 - 100)
        #expect(send.memory <= 2 * ResumableSend.loose, "\(send.memory)")
        _ = send.acknowledge(1_000_000)
        #expect(send.memory == 0)
    }

    @Test func `What is read in full is kept where it is`() {
        var send = ResumableSend(bound: 8 << 20)
        for _ in 0..<50 { send.keep(read(128 << 10)) }
        #expect(send.memory == send.kept)
        _ = send.acknowledge(UInt64(send.kept))
        #expect(send.memory == 0)
    }

    @Test func `Acknowledgements come when they are worth it`() {
        var receive = ResumableReceive(window: 80_000)
        receive.take(9_999)
        #expect(!receive.isDue && receive.hasNews)
        receive.take(1)
        #expect(receive.isDue)
        let told = [receive.acknowledge(without: 3), receive.acknowledge(without: 3)]
        #expect(told == [9_997, 9_997] && !receive.isDue && receive.hasNews)
        receive.leaveOut(3)
        #expect(!receive.hasNews && receive.received == 9_997)
    }

    @Test func `A server that is gone is not asked for long`() {
        var pace = AttachPace()
        let waits = (0..<8).map { _ in pace.failed(isRefusal: false) }
        let times: [Int64] = [0, 100, 200, 400, 800, 1_600, 2_000, 2_000]
        #expect(waits == times.map { .again(in: .milliseconds($0)) })
        let more = [true, true, false, true, true, true].map { pace.failed(isRefusal: $0) }
        #expect(more == Array(repeating: .again(in: .seconds(2)), count: 5) + [.giveUp])
    }
}
