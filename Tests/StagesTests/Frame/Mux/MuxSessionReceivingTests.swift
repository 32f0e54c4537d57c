import Testing

@testable import TunnelStages

/// What the peer may send on all streams of a session together.
@Suite struct MuxSessionReceivingTests {
    @Test func `What is held and what is owed are room that the peer doesn't have`() {
        var window = MuxSessionReceiving(size: 10_000)
        #expect(window.takes(10_000) && !window.takes(10_001))
        window.receive(6_000)
        #expect(window.takes(4_000) && !window.takes(4_001))
        window.passOn(5_000)
        #expect(window.takes(4_000) && !window.takes(4_001) && window.held == 1_000)
        #expect(window.grant() == 5_000 && window.grant() == 0)
        #expect(window.takes(9_000) && !window.takes(9_001))
    }

    /// Held, owed, whether the peer is far, and whether a grant is worth a frame; of a window of 100,000.
    @Test(
        arguments: [
            (0, 49_999, false, false), (0, 50_000, false, true), (0, 12_499, true, false), (0, 12_500, true, true),
            // Half of what may still be passed on, when much is never read.
            (90_000, 4_999, false, false), (90_000, 5_000, false, true), (90_000, 2_047, true, false), (90_000, 2_048, true, true),
        ] as [(Int, Int, Bool, Bool)])
    func `A part of what isn't held is worth a frame`(_ held: Int, _ owed: Int, _ isFar: Bool, _ isWorthIt: Bool) {
        var window = MuxSessionReceiving(size: 100_000)
        window.receive(held + owed)
        window.passOn(owed)
        #expect(window.isWorthGranting(isFar: isFar) == isWorthIt)
    }

    /// Held of a window of 8,000, whether streams stop growing, whether somebody has to go, and how much of it.
    @Test(
        arguments: [
            (3_999, false, false), (4_000, true, false), (7_000, true, false), (7_001, true, true),
        ] as [(Int, Bool, Bool)])
    func `What is held is too much from here on`(_ held: Int, _ isHalfFull: Bool, _ isCrowded: Bool) {
        var window = MuxSessionReceiving(size: 8_000)
        window.receive(held)
        #expect(window.isHalfFull == isHalfFull && window.isCrowded == isCrowded && window.crowd == held - 6_000)
    }

    @Test func `What a stream leaves is settled whole`() {
        var window = MuxSessionReceiving(size: 8_000)
        window.receive(500)
        window.holdHead(200)
        window.left()
        window.settle(MuxHolding(bytes: 500, heads: 200, isUnsettled: true))
        #expect(window.held == 0 && window.owed == 500 && window.heads == 0 && window.unsettled == 0)
    }
}
