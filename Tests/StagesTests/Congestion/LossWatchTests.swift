import Testing

@testable import TunnelStages

/// When a way counts as one that loses packets.
@Suite struct LossWatchTests {
    private struct Case: CustomTestStringConvertible {
        var testDescription: String
        var received = true
        var sent = false
        /// What a look adds: packets that came, of those out of order, packets that went, of those once more; and the round trip, of which
        /// the shortest is 80 ms.
        var look: (came: UInt32, disordered: UInt32, went: UInt32, resent: UInt32, milliseconds: UInt32)
        /// After how many looks, if ever.
        var after: Int?
    }

    private static let cases = [
        Case(testDescription: "one in a hundred", look: (100, 3, 50, 0, 84), after: 3),
        Case(testDescription: "one in a thousand", look: (900, 1, 100, 0, 84), after: 3),
        Case(testDescription: "fewer", look: (1_600, 1, 100, 0, 84), after: nil),
        Case(testDescription: "none", look: (100, 0, 50, 0, 84), after: nil),
        Case(testDescription: "what a full queue loses", look: (100, 40, 50, 3, 160), after: nil),
        Case(testDescription: "a queue that is short", look: (100, 40, 50, 3, 100), after: 3),
        Case(testDescription: "what goes doesn't count here", look: (100, 0, 50, 2, 84), after: nil),
        Case(testDescription: "what goes", received: false, sent: true, look: (100, 0, 50, 2, 84), after: 3),
        Case(testDescription: "what comes doesn't count here", received: false, sent: true, look: (100, 9, 50, 0, 84), after: nil),
    ]

    @Test(arguments: cases) private func aWayThatLoses(_ one: Case) {
        var watch = LossWatch(received: one.received, sent: one.sent)
        // Counters of the kernel go round.
        var now = TCPStatistics(
            roundTrip: one.look.milliseconds * 1_000, shortestRoundTrip: 80_000, segmentsReceived: .max - 50,
            segmentsSent: .max - 50,
            resent: .max, disordered: .max)
        let isLossyAtOnce = watch.note(now)
        #expect(!isLossyAtOnce)
        var after: Int?
        for look in 1...100 where after == nil {
            now.segmentsReceived &+= one.look.came
            now.disordered &+= one.look.disordered
            now.segmentsSent &+= one.look.went
            now.resent &+= one.look.resent
            if watch.note(now) { after = look }
        }
        #expect(after == one.after)
    }
}
