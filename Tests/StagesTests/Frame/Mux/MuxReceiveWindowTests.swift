import NIOCore
import Testing

@testable import TunnelStages

/// Where each byte of a stream's window is: with the peer, here, or on its way back to the peer.
@Suite struct MuxReceiveWindowTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func window(_ size: Int) -> MuxReceiveWindow {
        var window = MuxReceiveWindow()
        window.begin(size: size)
        return window
    }

    private func places(_ window: MuxReceiveWindow) -> [Int] { [window.room, window.held, window.owed] }

    @Test func `A byte goes from the peer's room to what is held, to what is owed, and back`() {
        var window = window(100)
        #expect(places(window) == [100, 0, 0] && window.size == 100)
        #expect(window.receive(60, now: Self.start) == true)
        #expect(places(window) == [40, 60, 0])
        #expect(window.passOn(50, now: Self.start) == 0)
        #expect(places(window) == [40, 10, 50])
        #expect(!window.isGrantQueued)
        _ = window.queueGrant(Self.start)
        #expect(window.isGrantQueued)
        // What is passed on until the frame is written goes with it.
        _ = window.passOn(10, now: Self.start)
        #expect(window.grant() == 60)
        #expect(places(window) == [100, 0, 0] && !window.isGrantQueued)
    }

    @Test func `What is beyond the room isn't taken, and changes nothing`() {
        var window = window(100)
        #expect(window.receive(100, now: Self.start) == true)
        #expect(window.receive(1, now: Self.start) == false)
        #expect(places(window) == [0, 100, 0])
        _ = window.passOn(100, now: Self.start)
        // It was passed on, but the peer hasn't got it back.
        #expect(window.receive(1, now: Self.start) == false)
        #expect(window.receive(0, now: Self.start) == true)
    }

    @Test func `A window that grows is granted with what is owed, and one that shrinks takes from that`() {
        var window = window(100)
        _ = window.receive(80, now: Self.start)
        _ = window.passOn(80, now: Self.start)
        window.grow(by: 50)
        #expect(window.size == 150 && window.owed == 130)
        // No more than half of what is owed, so that the stream goes on.
        #expect(window.shrink(to: 20) == 65)
        #expect(window.size == 85 && window.owed == 65)
        #expect(window.shrink(to: 80) == 5)
        #expect(window.shrink(to: 200) == 0)
        #expect(window.size == 80 && places(window) == [20, 0, 60])
    }

    /// The window and the one that a stream begins with, whether the peer is far, and how much owed is worth a grant.
    @Test(
        arguments: [
            (100, 100, false, 50), (101, 100, false, 51), (1, 1, false, 1), (800, 100, false, 400),
            // An eighth of a window that has grown; never less than half of the first, and never more than half.
            (800, 100, true, 100), (400, 100, true, 50), (200, 100, true, 50), (100, 100, true, 50), (50, 100, true, 25),
        ] as [(Int, Int, Bool, Int)])
    func `A part of the window is worth a frame`(_ size: Int, _ first: Int, _ isFar: Bool, _ part: Int) {
        var window = window(size)
        _ = window.receive(part, now: Self.start)
        _ = window.passOn(part - 1, now: Self.start)
        #expect(!window.isWorthGranting(isFar: isFar, first: first))
        _ = window.passOn(1, now: Self.start)
        #expect(window.isWorthGranting(isFar: isFar, first: first))
    }

    @Test func `What is held has been here since the oldest of it came`() {
        var window = window(100)
        _ = window.receive(10, now: Self.start)
        _ = window.receive(10, now: Self.start + .seconds(1))
        _ = window.passOn(9, now: Self.start + .seconds(2))
        #expect(window.heldSince == Self.start)
        // What was here at the start is gone: the rest came later, nobody knows when.
        _ = window.passOn(1, now: Self.start + .seconds(3))
        #expect(window.heldSince == Self.start + .seconds(3))
        _ = window.passOn(10, now: Self.start + .seconds(4))
        _ = window.receive(1, now: Self.start + .seconds(5))
        #expect(window.heldSince == Self.start + .seconds(5))
    }

    @Test func `Nothing is kept from being freed once all is passed on`() {
        var window = window(100)
        _ = window.receive(20, now: Self.start)
        window.pin(65_536)
        #expect(window.passOn(19, now: Self.start) == 0)
        #expect(window.passOn(1, now: Self.start) == 65_536)
        #expect(window.pinned == 0)
    }

    @Test func `The time between two grants begins with the first data, and leaves out what an opening brought`() {
        var window = MuxReceiveWindow()
        window.begin(size: 100, early: 10, now: Self.start)
        #expect(places(window) == [90, 10, 0])
        #expect(window.grantedAt == .distantPast)
        _ = window.receive(10, now: Self.start + .seconds(1))
        #expect(window.queueGrant(Self.start + .seconds(3)) == .seconds(2))
        window.shiftTimes(by: .seconds(10))
        #expect(window.queueGrant(Self.start + .seconds(14)) == .seconds(1))
        #expect(window.heldSince == Self.start + .seconds(10))
    }

    @Test func `Times that aren't known stay unknown over a silence`() {
        var window = window(100)
        window.shiftTimes(by: .seconds(10))
        #expect(window.grantedAt == .distantPast && window.heldSince == .distantPast)
        #expect(!window.hasEnded)
        window.end()
        #expect(window.hasEnded)
    }
}
