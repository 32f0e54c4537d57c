import ServerWaking
import Testing

/// What an agent does to have its server started, with a clock that the tests hold.
@Suite struct BringUpTests {
    /// Follows an attempt to its end: `answer` says what wake and status say at a time. Returns what was done, and when.
    private func run(
        timeout: Double = 90, interval: Double = 5, canAskStatus: Bool = true, until end: Double = 200,
        answer: (BringUp.Action, Double) -> (BringUp.Answer, asleep: Bool)
    ) -> (actions: [String], reason: String?) {
        var attempt = BringUp(timeout: timeout, interval: interval, canAskStatus: canAskStatus)
        var now = 0.0
        var actions: [String] = []
        while now < end {
            switch attempt.next(now: now) {
            case .wake:
                actions.append("wake \(now)")
                attempt.woke(answer(.wake, now).0, now: now)
            case .askStatus:
                actions.append("ask \(now)")
                let (said, asleep) = answer(.askStatus, now)
                attempt.learned(said, isAsleep: asleep, problem: nil, now: now)
            case .wait(let until):
                #expect(until > now)
                now = until
            case .giveUp(let reason):
                return (actions, reason)
            }
        }
        return (actions, nil)
    }

    @Test func asksSoonAtFirstAndThenAtTheInterval() {
        let (actions, _) = run(until: 20) { _, _ in (.accepted, false) }
        #expect(
            actions == ["wake 0.0", "ask 0.5", "ask 1.5", "ask 3.5", "ask 7.5", "ask 12.5", "ask 17.5"])
    }

    @Test func givesUpAtTheTimeout() {
        let (actions, reason) = run(timeout: 10) { _, _ in (.accepted, false) }
        #expect(reason == "the server did not answer within 10 s")
        #expect(actions.count == 5)
    }

    @Test func saysWhatWasWrongLast() {
        let (_, reason) = run(timeout: 10) { _, _ in (.failed("the name can't be resolved"), false) }
        #expect(reason == "the server did not answer within 10 s: the name can't be resolved")
    }

    @Test func aRefusalEndsItAtOnce() {
        let (actions, reason) = run { _, _ in (.refused("the API key is wrong"), false) }
        #expect(actions == ["wake 0.0"])
        #expect(reason == "the API key is wrong")
    }

    @Test func aWakeThatFailsIsTriedAgain() {
        let (actions, _) = run(until: 4) { action, now in
            (action == .wake && now < 1 ? .failed("throttled") : .accepted, false)
        }
        #expect(actions == ["wake 0.0", "wake 0.5", "wake 1.5", "ask 2.0", "ask 3.0"])
    }

    @Test func aServerThatWasStoppedMeanwhileIsWokenAgain() {
        let (actions, _) = run(until: 4) { _, now in (.accepted, now == 1.5) }
        #expect(actions == ["wake 0.0", "ask 0.5", "ask 1.5", "wake 3.5"])
    }

    @Test func withoutStatusItOnlyWaits() {
        let (actions, reason) = run(timeout: 30, canAskStatus: false) { _, _ in (.accepted, false) }
        #expect(actions == ["wake 0.0"])
        #expect(reason == "the server did not answer within 30 s")
    }

    @Test func aStatusThatCannotBeHadIsNoReasonToWakeAgain() {
        let (actions, _) = run(until: 4) { action, _ in (action == .wake ? .accepted : .refused("403"), false) }
        #expect(actions == ["wake 0.0", "ask 0.5", "ask 1.5", "ask 3.5"])
    }

    // MARK: - Many at once

    /// What an API Gateway's throttle lets through: so many a second, and so many at once.
    private struct Throttle {
        var perSecond: Double
        var burst: Double
        private var tokens: Double
        private var last = 0.0

        init(perSecond: Double, burst: Double) {
            self.perSecond = perSecond
            self.burst = burst
            tokens = burst
        }

        mutating func lets(at now: Double) -> Bool {
            tokens = min(burst, tokens + (now - last) * perSecond)
            last = now
            guard tokens >= 1 else { return false }
            tokens -= 1
            return true
        }
    }

    /// Agents that all start within a moment, a server that needs so long, and a throttle before its control plane. Returns when each was told
    /// that the server is up; those are missing that gave up.
    private func crowd(
        of count: Int, needing start: Double, _ throttle: Throttle, known: Bool, seed: UInt64
    ) -> (up: [Double], calls: Int, throttled: Int) {
        var throttle = throttle
        var agents = (0..<count).map {
            (BringUp(timeout: 90, interval: 5, canAskStatus: true, seed: seed &+ UInt64($0)), 0.001 * Double($0))
        }
        var (up, calls, throttled) = ([Double](), 0, 0)
        var woken: Double?
        // The one whose time comes first, again and again.
        while let index = agents.indices.min(by: { agents[$0].1 < agents[$1].1 }) {
            let now = agents[index].1
            // What the control plane knows of earlier starts, as `StartTimes` says it.
            func retryAfter() -> Double { known ? min(max(start - (now - (woken ?? now)), 2), 30) : 5 }
            switch agents[index].0.next(now: now) {
            case .wait(let until): agents[index].1 = until
            case .giveUp: agents.remove(at: index)
            case .wake:
                calls += 1
                if throttle.lets(at: now) {
                    woken = woken ?? now
                    agents[index].0.woke(.accepted, retryAfter: retryAfter(), now: now)
                } else {
                    throttled += 1
                    agents[index].0.woke(.throttled("429", after: nil), now: now)
                }
            case .askStatus:
                calls += 1
                if throttle.lets(at: now) {
                    guard let woken else {
                        agents[index].0.learned(.accepted, isAsleep: true, problem: nil, now: now)
                        continue
                    }
                    if now - woken >= start {
                        up.append(now)
                        agents.remove(at: index)
                    } else {
                        agents[index].0.learned(.accepted, isAsleep: false, problem: nil, retryAfter: retryAfter(), now: now)
                    }
                } else {
                    throttled += 1
                    agents[index].0.learned(.throttled("429", after: nil), isAsleep: false, problem: nil, now: now)
                }
            }
        }
        return (up, calls, throttled)
    }

    /// 190 agents together, a server that needs 40 s: all know by 75 s, whether earlier starts were seen or not.
    @Test(arguments: [(10.0, 20.0), (20, 40), (50, 100)], [true, false])
    func aTeamThatStartsTogetherIsUpInTime(_ throttle: (Double, Double), _ known: Bool) {
        for seed in 0..<5 {
            let result = crowd(
                of: 190, needing: 40, Throttle(perSecond: throttle.0, burst: throttle.1), known: known, seed: UInt64(seed) &* 7_919)
            #expect(result.up.count == 190)
            #expect((result.up.max() ?? .infinity) <= 75)
            #expect(result.calls < 2_500)
        }
    }

    /// At five a second 175 calls are all that there are from 40 s to 75 s: the last comes a little later, and nobody gives up.
    @Test func aNarrowThrottleLosesNobody() {
        for seed in 0..<5 {
            let result = crowd(of: 190, needing: 40, Throttle(perSecond: 5, burst: 20), known: true, seed: UInt64(seed) &* 104_729)
            #expect(result.up.count >= 189)
        }
    }

    @Test func oneAloneIsNotHeldUp() {
        for known in [true, false] {
            let result = crowd(of: 1, needing: 40, Throttle(perSecond: 10, burst: 20), known: known, seed: 1)
            #expect(result.throttled == 0 && (result.up.first ?? .infinity) <= 48)
        }
    }

    @Test func anEndpointSaysWhenToAskAgain() {
        var attempt = BringUp(timeout: 90, interval: 5, canAskStatus: true, seed: 5)
        attempt.woke(.accepted, retryAfter: 20, now: 0)
        guard case .wait(let until) = attempt.next(now: 0) else {
            Issue.record("asked at once")
            return
        }
        #expect((20...24).contains(until))
        attempt.learned(.throttled("429", after: 30), isAsleep: false, problem: nil, now: until)
        guard case .wait(let later) = attempt.next(now: until) else {
            Issue.record("asked at once")
            return
        }
        #expect((until + 30...until + 34).contains(later))
    }

    /// What an endpoint asks for isn't believed without limit.
    @Test(arguments: [1e300, .infinity, .nan, -5])
    func nonsenseIsBounded(_ after: Double) {
        var attempt = BringUp(timeout: 1_000, interval: 5, canAskStatus: true, seed: 5)
        attempt.woke(.throttled("429", after: after), now: 0)
        attempt.learned(.accepted, isAsleep: false, problem: nil, retryAfter: after, now: 100)
        guard case .wait(let until) = attempt.next(now: 100) else {
            Issue.record("asked at once")
            return
        }
        #expect(until > 100 && until <= 170)
    }
}
