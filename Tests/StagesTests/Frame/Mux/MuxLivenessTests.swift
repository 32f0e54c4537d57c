import NIOCore
import Testing

@testable import TunnelStages

/// Whether the peer is there, and how far it is. (When it is asked early: `MuxPulseTests`.)
@Suite struct MuxLivenessTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private let configuration: MuxConfiguration = {
        var configuration = MuxConfiguration()
        configuration.pingInterval = .seconds(10)
        configuration.pingTimeout = .seconds(5)
        return configuration
    }()

    private func at(_ milliseconds: Int64) -> NIODeadline { Self.start + .milliseconds(milliseconds) }

    @Test func `A silent peer is asked, and given up when it doesn't answer in time`() {
        var liveness = MuxLiveness(now: Self.start)
        #expect(liveness.deadline(configuration) == at(10_000))
        #expect(liveness.tick(at(9_999), configuration) == .nothing)
        #expect(liveness.tick(at(10_000), configuration) == .ask(1))
        #expect(liveness.deadline(configuration) == at(15_000))
        #expect(liveness.tick(at(14_999), configuration) == .nothing)
        #expect(liveness.tick(at(15_000), configuration) == .silent(.seconds(15)))
    }

    @Test func `Whatever comes proves it, be it no answer`() {
        var liveness = MuxLiveness(now: Self.start)
        _ = liveness.tick(at(10_000), configuration)
        liveness.heard(at(14_000))
        #expect(liveness.lastHeard == at(14_000))
        #expect(liveness.deadline(configuration) == at(24_000))
        #expect(liveness.tick(at(24_000), configuration) == .ask(2))
    }

    @Test func `A PING that was sent early leaves the time of silence as it is`() {
        var liveness = MuxLiveness(now: Self.start)
        #expect(liveness.doubt(at(1_000)) == 1)
        #expect(liveness.tick(at(3_000), configuration) == .doubt(after: .seconds(2)))
        #expect(liveness.tick(at(14_999), configuration) == .doubt(after: .seconds(2)))
        #expect(liveness.tick(at(15_000), configuration) == .silent(.seconds(15)))
    }

    @Test func `A doubt asks once, and no second time while an answer is due`() {
        var liveness = MuxLiveness(now: Self.start)
        #expect(liveness.doubt(at(0)) == 1 && liveness.doubt(at(1)) == nil)
        liveness.heard(at(2))
        #expect(liveness.doubt(at(3)) == 2)
        var asked = MuxLiveness(now: Self.start)
        _ = asked.tick(at(10_000), configuration)
        #expect(asked.doubt(at(10_001)) == nil)
    }

    @Test func `What was sent and isn't answered is asked about soon, unless an answer is due already`() {
        var liveness = MuxLiveness(now: Self.start)
        liveness.sent(at: at(0))
        liveness.sent(at: at(100))
        #expect(liveness.deadline(configuration) == at(250))
        #expect(liveness.tick(at(250), configuration) == .ask(1))
        var asked = MuxLiveness(now: Self.start)
        #expect(asked.tick(at(10_000), configuration) == .ask(1))
        asked.sent(at: at(10_000))
        #expect(asked.tick(at(10_250), configuration) == .nothing)
    }

    @Test func `The answer to the newest PING shows the way's length, each once`() {
        var liveness = MuxLiveness(now: Self.start)
        #expect(liveness.takeRoundTrip() == nil && liveness.shortestRoundTrip == nil)
        #expect(liveness.answered(0, at(0)) == false)
        let first = liveness.ping(at(0))
        let second = liveness.ping(at(100))
        #expect(liveness.answered(first, at(150)) == false)
        #expect(liveness.answered(second, at(180)) == true)
        #expect(liveness.answered(second, at(190)) == false)
        #expect(liveness.takeRoundTrip() == .milliseconds(80))
        #expect(liveness.takeRoundTrip() == nil && liveness.shortestRoundTrip == .milliseconds(80))
    }

    @Test func `The shortest way counts`() {
        var liveness = MuxLiveness(now: Self.start)
        for (sent, answered) in [(0, 90), (100, 140), (200, 270)] as [(Int64, Int64)] {
            _ = liveness.answered(liveness.ping(at(sent)), at(answered))
        }
        #expect(liveness.shortestRoundTrip == .milliseconds(40) && liveness.takeRoundTrip() == .milliseconds(70))
    }

    @Test func `An answer that another connection brought says nothing of the way`() {
        var liveness = MuxLiveness(now: Self.start)
        let token = liveness.ping(at(0))
        liveness.interrupt()
        #expect(liveness.answered(token, at(30_000)) == true)
        #expect(liveness.takeRoundTrip() == nil && liveness.shortestRoundTrip == nil)
        // Nothing was asked: nothing is late.
        liveness.interrupt()
        #expect(liveness.answered(token, at(30_001)) == false)
        #expect(liveness.answered(liveness.ping(at(40_000)), at(40_080)) == true)
        #expect(liveness.shortestRoundTrip == .milliseconds(80))
    }

    @Test func `The peer's own question is told once`() {
        var liveness = MuxLiveness(now: Self.start)
        #expect(liveness.takeQuestion() == false)
        liveness.wasAsked()
        #expect(liveness.takeQuestion() && !liveness.takeQuestion())
    }
}
