import Testing

@testable import TunnelStages

/// What waits to be sent in a session.
@Suite struct MuxSessionSendingTests {
    @Test func `What waits is free or stuck, and only data takes the window`() {
        var sending = MuxSessionSending()
        sending.begin(window: 1_000)
        sending.queue(700)
        sending.noteStuck(200)
        #expect(sending.free == 500)
        sending.written(100)
        #expect(sending.queued == 600 && sending.window == 1_000)
        sending.written(data: 400)
        #expect(sending.queued == 200 && sending.window == 600 && sending.free == 0)
        #expect(sending.widen(by: MuxLimits.maximumWindow - 600) && !sending.widen(by: 1))
    }

    @Test func `A stream that is over takes along what it had waiting`() {
        var sending = MuxSessionSending()
        sending.queue(700)
        sending.noteStuck(200)
        sending.drop(500, stuck: 200)
        #expect(sending.queued == 200 && sending.stuck == 0)
    }

    @Test func `Being held back is told once`() {
        var sending = MuxSessionSending()
        #expect(sending.takeHeldBack() == false)
        sending.holdBack()
        sending.holdBack()
        #expect(sending.takeHeldBack() && !sending.takeHeldBack())
    }
}
