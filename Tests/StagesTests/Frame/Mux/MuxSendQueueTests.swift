import NIOCore
import Testing

@testable import TunnelStages

/// What one stream has to send.
@Suite struct MuxSendQueueTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func queue(window: Int, _ items: MuxSendItem...) -> MuxSendQueue {
        var queue = MuxSendQueue()
        queue.begin(window: window, now: Self.start)
        for item in items { queue.append(item) }
        return queue
    }

    private func data(_ count: Int) -> MuxSendItem { .data(ByteBuffer(repeating: 0x78, count: count)) }
    private func head(_ count: Int) -> MuxSendItem { .head(ByteBuffer(repeating: 0x68, count: count)) }

    /// Window, what waits, whether no more comes, and whether anything can be sent.
    @Test(
        arguments: [
            (0, "", false, false), (0, "", true, true), (1, "d", false, true), (0, "d", false, false), (0, "d", true, false),
            (0, "hd", false, true), (0, "o", false, true), (0, "t", true, true),
        ] as [(Int, String, Bool, Bool)])
    func `Data needs a window, and nothing else does`(_ window: Int, _ items: String, _ closes: Bool, _ canSend: Bool) {
        var queue = queue(window: window)
        for item in items {
            let bytes = ByteBuffer(string: "x")
            switch item {
            case "d": queue.append(.data(bytes))
            case "h": queue.append(.head(bytes))
            case "o": queue.append(.open(bytes))
            default: queue.append(.trailers(bytes))
            }
        }
        if closes { queue.close() }
        #expect(queue.canSend == canSend)
    }

    @Test func `Data is taken up to a limit, in order, and off the window`() {
        var queue = queue(window: 100, data(30), data(10))
        #expect(queue.takeData(20)?.readableBytes == 20)
        #expect(queue.bytes == 20 && queue.window == 80)
        #expect(queue.takeData(20)?.readableBytes == 10)
        #expect(queue.takeData(0) == nil)
        #expect(queue.takeData(20)?.readableBytes == 10)
        #expect(queue.bytes == 0 && queue.window == 60 && queue.first == nil)
    }

    @Test func `A head isn't taken as data, nor off the window`() {
        var queue = queue(window: 100, head(5))
        #expect(queue.takeData(20) == nil)
        #expect(queue.popFirst()?.bytes.readableBytes == 5)
        #expect(queue.bytes == 0 && queue.window == 100)
    }

    @Test func `The last frame says so once, and only when nothing waits`() {
        var queue = queue(window: 100, data(5))
        queue.close()
        #expect(queue.endsHere() == false)
        _ = queue.takeData(5)
        #expect(queue.endsHere() == true)
        #expect(queue.end == .sent && !queue.endsHere() && !queue.canSend)
        // What was sent isn't taken back.
        queue.close()
        #expect(queue.end == .sent)
    }

    @Test func `What is beyond the window is stuck, and only the change is told`() {
        var queue = queue(window: 10, data(25))
        #expect(queue.recount() == 15 && queue.stuck == 15)
        #expect(queue.recount() == 0)
        #expect(queue.widen(by: 10, now: Self.start + .seconds(1)) == true)
        #expect(queue.recount() == -10)
        #expect(queue.windowedAt == Self.start + .seconds(1))
        _ = queue.takeData(20)
        #expect(queue.recount() == 0 && queue.stuck == 5)
    }

    @Test func `A window has a largest size`() {
        var queue = queue(window: MuxLimits.maximumWindow - 1)
        #expect(queue.widen(by: 1, now: Self.start) == true)
        #expect(queue.widen(by: 1, now: Self.start) == false)
    }

    @Test func `Little pieces become one, behind data alone`() {
        var queue = queue(window: 100, head(5))
        #expect(queue.absorb(ByteBuffer(string: "a")) == false)
        queue.append(.data(ByteBuffer(string: "b")))
        #expect(queue.absorb(ByteBuffer(string: "c")) == true)
        #expect(queue.count == 2 && queue.bytes == 7)
        _ = queue.popFirst()
        #expect(queue.takeData(100) == ByteBuffer(string: "bc"))
    }

    @Test func `What was pinned is free when nothing waits`() {
        var queue = queue(window: 100, data(5))
        queue.pin(65_536)
        #expect(queue.unpin() == 0)
        _ = queue.takeData(5)
        #expect(queue.unpin() == 65_536 && queue.unpin() == 0)
    }

    @Test func `Half of what was sent lately is forgotten in a second`() {
        var queue = queue(window: 0)
        queue.note(1_000)
        queue.age(Self.start + .milliseconds(999))
        #expect(queue.recent == 1_000)
        queue.age(Self.start + .milliseconds(2_100))
        #expect(queue.recent == 250)
        queue.age(Self.start + .hours(10))
        #expect(queue.recent == 0)
    }

    @Test func `A silence of the connection doesn't age a window, and one that isn't known stays so`() {
        var begun = queue(window: 1)
        begun.shiftTimes(by: .seconds(10))
        #expect(begun.windowedAt == Self.start + .seconds(10))
        var free = MuxSendQueue()
        free.shiftTimes(by: .seconds(10))
        #expect(free.windowedAt == .distantPast)
    }

    @Test func `The next stream begins anew`() {
        var queue = queue(window: 10, data(25))
        _ = queue.recount()
        queue.pin(100)
        queue.note(100)
        queue.close()
        queue.leave()
        #expect(queue.bytes == 0 && queue.stuck == 0 && queue.pinned == 0 && queue.end == .open && queue.first == nil)
        #expect(queue.window == 0 && queue.count == 0 && queue.recent == 0)
    }
}
