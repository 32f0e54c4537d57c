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
}
