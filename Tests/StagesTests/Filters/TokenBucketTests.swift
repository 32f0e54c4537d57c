import Testing

@testable import Filters

private let second: Int64 = 1_000_000_000

/// Buckets under a clock that the tests move.
@Suite struct TokenBucketTests {
    private let rate = TokenRate(10, in: .seconds(1))
    private var cost: Int64 { rate.cost(of: 1) }

    @Test func aBurstThenTheRate() {
        let buckets = TokenBuckets(capacity: 8)
        let burst = cost * 5
        var granted = 0
        for _ in 0..<100 where buckets.take(1, cost: cost, burst: burst, now: 0) == .granted { granted += 1 }
        #expect(granted == 5)
        #expect(buckets.take(1, cost: cost, burst: burst, now: 0) == .refused(wait: second / 10))
        #expect(buckets.take(1, cost: cost, burst: burst, now: second / 10 - 1) == .refused(wait: 1))
        #expect(buckets.take(1, cost: cost, burst: burst, now: second / 10) == .granted)
        #expect(buckets.take(1, cost: cost, burst: burst, now: second / 10) == .refused(wait: second / 10))
    }

    /// Over any time, with any pattern of attempts, as many as the rate and the burst give: not one more, not one fewer.
    @Test(arguments: [1, 7, 100, 3_333, 100_000], [1, 10, 250])
    func isExactOverTime(_ perSecond: Int, _ burst: Int) {
        let rate = TokenRate(perSecond, in: .seconds(1))
        let cost = rate.cost(of: 1)
        let buckets = TokenBuckets(capacity: 8)
        var granted = 0
        let duration = 10 * second
        // With a burst of one, what comes back between two attempts and finds the bucket full is lost: attempts in time with it.
        let step = burst == 1 ? cost : max(1, cost / 3)
        var now: Int64 = 0
        while now < duration {
            while buckets.take(9, cost: cost, burst: cost * Int64(burst), now: now) == .granted { granted += 1 }
            now += step
        }
        let expected = perSecond * 10 + burst
        // The last grant may fall just behind the end; the cost is rounded up by less than a nanosecond for each.
        #expect((expected - 2...expected).contains(granted), "\(granted) of \(expected)")
    }

    @Test(arguments: [(1, 3), (3, 1), (7, 9), (1_000_000_007, 60), (1, 86_400)])
    func costsAreNeverLessThanTheTime(_ tokens: Int, _ seconds: Int) {
        let rate = TokenRate(tokens, in: .seconds(seconds))
        for count in [1, 2, 10, 1_000, 1 << 30] {
            let exact = Double(count) * Double(seconds) * 1e9 / Double(tokens)
            let cost = Double(rate.cost(of: count))
            // What would take a lifetime is cut.
            guard exact < 2e18 else { continue }
            #expect(cost >= exact * (1 - 1e-12) && cost <= exact + 1 + exact * 1e-12)
        }
        #expect(rate.cost(of: .max) > 0, "no overflow")
    }

    @Test func reservationsQueueUp() {
        let buckets = TokenBuckets(capacity: 8)
        let burst = cost * 2
        #expect(buckets.reserve(1, cost: cost * 2, burst: burst, now: 0) == 0)
        #expect(buckets.reserve(1, cost: cost * 3, burst: burst, now: 0) == cost * 3)
        #expect(buckets.reserve(1, cost: cost, burst: burst, now: 0) == cost * 4)
        buckets.giveBack(1, cost: cost * 3, now: 0)
        #expect(buckets.reserve(1, cost: cost, burst: burst, now: 0) == cost * 2)
        // What nobody could ever pay doesn't overflow.
        for _ in 0..<100 { _ = buckets.reserve(2, cost: .max / 4, burst: burst, now: 0) }
        #expect(buckets.reserve(2, cost: 1, burst: burst, now: 0) > 0)
    }

    @Test func keysAreApart() {
        let buckets = TokenBuckets(capacity: 64)
        #expect(buckets.take(1, cost: cost, burst: cost, now: 0) == .granted)
        #expect(buckets.take(2, cost: cost, burst: cost, now: 0) == .granted)
        #expect(buckets.take(1, cost: cost, burst: cost, now: 0) != .granted)
    }

    /// A million clients come once each. The table doesn't grow, and one that has used up its share doesn't get it back by their
    /// coming, for they are all nearer to a full bucket than it is.
    @Test func aMillionClientsTakeNoMoreRoomAndResetNobody() {
        let buckets = TokenBuckets(capacity: 65_536)
        let burst = cost * 50
        var generator = SeededGenerator(11)
        let greedy: UInt64 = 0xDEAD_BEEF_1234_5678
        var now: Int64 = 0
        var granted = 0
        for client in 0..<1_000_000 {
            if client % 100 == 0 {
                for _ in 0..<2 where buckets.take(greedy, cost: cost, burst: burst, now: now) == .granted { granted += 1 }
            }
            #expect(buckets.take(generator.next(), cost: cost, burst: burst, now: now) == .granted)
            now += 10_000
        }
        #expect(buckets.capacity == 65_536)
        // Ten seconds at ten each, and the burst.
        #expect((148...150).contains(granted), "\(granted)")
    }

    @Test func loopsShareOneBucket() async {
        let buckets = TokenBuckets(capacity: 8)
        let cost = cost
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var count = 0
                    for _ in 0..<1_000 where buckets.take(5, cost: cost, burst: cost * 100, now: 0) == .granted { count += 1 }
                    return count
                }
            }
            return await group.reduce(0, +)
        }
        #expect(granted == 100)
    }

    @Test func openExchangesAreCountedByKeyAndForgotten() {
        let counts = OpenCounts()
        #expect(counts.enter(1, limit: 2) && counts.enter(1, limit: 2) && !counts.enter(1, limit: 2) && counts.enter(2, limit: 2))
        counts.leave(1)
        #expect(counts.enter(1, limit: 2))
        for key: UInt64 in [1, 1, 2, 2] { counts.leave(key) }
        #expect(counts.keys == 0)
    }
}
