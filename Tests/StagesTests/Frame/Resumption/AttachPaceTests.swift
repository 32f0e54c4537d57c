import NIOCore
import Testing

@testable import TunnelStages

/// When a server is dialled again.
@Suite struct AttachPaceTests {
    @Test func `At once, then after a wait that doubles up to two seconds`() {
        var pace = AttachPace()
        let waits = (0..<8).map { _ in pace.failed(isRefusal: false) }
        #expect(waits == [0, 100, 200, 400, 800, 1_600, 2_000, 2_000].map { .again(in: .milliseconds($0)) })
    }

    @Test func `Three refusals in a row are the end`() {
        var pace = AttachPace()
        let steps = [true, true, false, true, true, true].map { pace.failed(isRefusal: $0) == .giveUp }
        #expect(steps == [false, false, false, false, false, true])
    }

    @Test func `An attempt has longer after each that took too long`() {
        var pace = AttachPace()
        var limits: [TimeAmount] = [pace.limit(nil), pace.limit(.milliseconds(900))]
        for _ in 0..<5 {
            pace.timedOut()
            limits.append(pace.limit(.milliseconds(900)))
        }
        #expect(limits == [2_000, 2_700, 4_000, 8_000, 16_000, 16_000, 16_000].map { .milliseconds($0) })
    }
}
