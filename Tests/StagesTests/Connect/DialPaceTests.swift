import NIOCore
import Testing

@testable import TunnelStages

/// How soon a server is dialled again that somebody wants.
@Suite struct DialPaceTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    /// How long after the last round somebody wants a connection, and how long the next has to wait, in milliseconds.
    @Test(arguments: [(0, 100), (30, 70), (99, 1), (100, 0), (101, 0), (15_000, 0)] as [(Int64, Int64)])
    func `Who wants a connection has it dialled at once, every 100 ms at most`(_ after: Int64, _ expected: Int64) {
        var pace = DialPace()
        pace.began(at: start)
        let now = start + .milliseconds(after)
        #expect(pace.want(until: now + .seconds(10), at: now) == .milliseconds(expected))
    }

    @Test func `The first one waits for nothing`() {
        var pace = DialPace()
        #expect(pace.want(until: start, at: start) == .zero)
    }

    /// The usual wait, how long after the last wish it is looked at, and what is waited, in milliseconds.
    @Test(
        arguments: [
            (100, 100, 100), (15_000, 100, 1_000), (15_000, 9_999, 1_000), (15_000, 10_000, 15_000), (50, 0, 100), (50, 10_000, 50),
        ] as [(Int64, Int64, Int64)])
    func `While somebody may wait, the next round is soon`(_ usual: Int64, _ after: Int64, _ expected: Int64) {
        var pace = DialPace()
        pace.began(at: start)
        _ = pace.want(until: start + .seconds(10), at: start)
        #expect(pace.wait(.milliseconds(usual), at: start + .milliseconds(after)) == .milliseconds(expected))
    }

    @Test func `Where nobody wants a connection the wait is the usual one`() {
        var pace = DialPace()
        pace.began(at: start)
        #expect(pace.wait(.seconds(15), at: start) == .seconds(15))
    }

    /// However many ask: the rounds of ten seconds.
    @Test func `A storm of requests has few rounds`() {
        var pace = DialPace()
        var rounds = 0
        for millisecond in 0..<10_000 as Range<Int64> {
            let now = start + .milliseconds(millisecond)
            guard pace.want(until: now + .seconds(10), at: now) == .zero else { continue }
            pace.began(at: now)
            rounds += 1
        }
        #expect(rounds == 100)
    }
}
