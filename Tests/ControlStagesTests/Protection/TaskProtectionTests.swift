import ControlStages
import Testing

/// When a server protects its task: with a clock that the tests hold.
@Suite struct TaskProtectionTests {
    /// Quiet for six minutes, protected for fifteen.
    private static func started() -> TaskProtection { TaskProtection(quiet: 360, expiry: 900, now: 0) }

    private static func protected(at time: Double = 0) -> TaskProtection {
        var protection = started()
        _ = protection.next(used: time, now: time)
        _ = protection.answered(.done, toProtect: true, asked: time, now: time)
        return protection
    }

    @Test func itIsProtectedFromItsStart() {
        var protection = Self.started()
        #expect(!protection.passes(now: 0))
        #expect(protection.next(used: 0, now: 0) == .protect(minutes: 15))
        // One wish at a time.
        #expect(protection.next(used: 0, now: 1) == .none)
        #expect(protection.answered(.done, toProtect: true, asked: 0, now: 1) == .none)
        #expect(protection.passes(now: 1) && protection.isProtected(now: 899) && !protection.isProtected(now: 900))
    }

    @Test func itIsRenewedWhileItIsUsed() {
        var protection = Self.protected()
        #expect(protection.next(used: 299, now: 299) == .none)
        #expect(protection.next(used: 300, now: 300) == .protect(minutes: 15))
        #expect(protection.passes(now: 300))
        #expect(protection.answered(.done, toProtect: true, asked: 300, now: 302) == .none)
        #expect(protection.isProtected(now: 1_199) && !protection.isProtected(now: 1_200))
    }

    @Test func itIsGivenUpWhenNothingPasses() {
        var protection = Self.protected()
        #expect(protection.next(used: 100, now: 300) == .protect(minutes: 15))
        _ = protection.answered(.done, toProtect: true, asked: 300, now: 300)
        #expect(protection.next(used: 100, now: 459) == .none)
        #expect(protection.next(used: 100, now: 460) == .release)
        // Before it is sent nothing passes any more.
        #expect(!protection.passes(now: 460))
        _ = protection.answered(.done, toProtect: false, asked: 460, now: 461)
        #expect(protection.next(used: 100, now: 5_000) == .none)
        // What comes then waits for a new one.
        #expect(!protection.passes(now: 5_000))
        #expect(protection.next(used: 5_000, now: 5_000) == .protect(minutes: 15))
        _ = protection.answered(.done, toProtect: true, asked: 5_000, now: 5_001)
        #expect(protection.passes(now: 5_001))
    }

    @Test func whatCameJustBeforeItWasGivenUpKeepsIt() {
        var protection = Self.protected()
        #expect(protection.next(used: 0, now: 360) == .release)
        protection.keep()
        #expect(protection.passes(now: 361) && protection.isProtected(now: 899))
    }

    @Test func aServiceThatWantsNoTaskIsLeft() {
        var protection = Self.protected()
        _ = protection.next(used: 0, now: 360)
        _ = protection.answered(.done, toProtect: false, asked: 360, now: 360)
        #expect(protection.next(used: 1_000, now: 1_000) == .protect(minutes: 15))
        #expect(protection.answered(.blocked(isWanted: false), toProtect: true, asked: 1_000, now: 1_001) == .leave)
        #expect(protection.isLeaving && !protection.passes(now: 1_001))
        #expect(protection.next(used: 1_002, now: 1_002) == .none)
    }

    /// A task that is protected and not wanted goes on: whoever set the number looks again, or the protection ends.
    @Test func aRenewalThatIsRefusedCutsNothing() {
        var protection = Self.protected()
        #expect(protection.next(used: 300, now: 300) == .protect(minutes: 15))
        #expect(protection.answered(.blocked(isWanted: false), toProtect: true, asked: 300, now: 300) == .none)
        #expect(protection.passes(now: 301) && !protection.isLeaving)
        #expect(protection.next(used: 304, now: 304) == .none)
        #expect(protection.next(used: 305, now: 305) == .protect(minutes: 15))
    }

    /// One call that was throttled isn't worth a transfer: within two seconds it is asked again and again, and what comes waits.
    @Test(arguments: [TaskProtection.Answer.failed, .blocked(isWanted: true), .blocked(isWanted: nil)])
    func aWishIsRepeatedAtOnce(_ answer: TaskProtection.Answer) {
        var protection = Self.started()
        var now = 0.0
        for attempt in 1..<5 {
            #expect(protection.next(used: now, now: now) == .protect(minutes: 15))
            #expect(protection.answered(answer, toProtect: true, asked: now, now: now) == .none)
            #expect(!protection.passes(now: now))
            #expect(protection.next(used: now, now: now + 0.05) == .none)
            guard let retry = protection.retry(after: now) else {
                Issue.record("attempt \(attempt) isn't followed by another")
                return
            }
            #expect(retry > now && retry - now < 0.45)
            now = retry
        }
        #expect(now < 1.5)
        #expect(protection.next(used: now, now: now) == .protect(minutes: 15))
        #expect(protection.answered(.done, toProtect: true, asked: now, now: now) == .none)
        #expect(protection.passes(now: now) && protection.isProtected(now: now) && protection.retry(after: now) == nil)
    }

    /// What the answer was, how often, and whether what comes meanwhile passes, when it is asked again.
    @Test(
        arguments: [
            (.failed, 5, 5), (.blocked(isWanted: true), 5, 5), (.blocked(isWanted: nil), 5, 5), (.denied, 1, 60),
        ] as [(TaskProtection.Answer, Int, Double)])
    func nobodyWaitsForWhatDoesNotCome(_ answer: TaskProtection.Answer, _ times: Int, _ again: Double) {
        var protection = Self.started()
        for attempt in 0..<times {
            let now = 0.05 * Double(attempt * (attempt + 1))
            #expect(!protection.passes(now: now))
            _ = protection.next(used: now, now: now)
            #expect(protection.answered(answer, toProtect: true, asked: now, now: attempt == times - 1 ? 1 : now) == .none)
        }
        #expect(protection.passes(now: 1) && !protection.isProtected(now: 1))
        #expect(protection.next(used: again, now: again) == .none)
        #expect(protection.next(used: again + 1, now: again + 1) == .protect(minutes: 15))
        _ = protection.answered(.done, toProtect: true, asked: again + 1, now: again + 2)
        #expect(protection.isProtected(now: again + 2))
    }

    /// After a pause another wish is waited for, though the last one failed.
    @Test func aFailureIsForgottenInAPause() {
        var protection = Self.started()
        _ = protection.next(used: 0, now: 0)
        _ = protection.answered(.failed, toProtect: true, asked: 0, now: 0)
        #expect(protection.next(used: 0, now: 1_000) == .none)
        #expect(!protection.passes(now: 1_000))
    }

    /// Whatever comes in whatever order: while it is used, it is asked for protection within a bound, and what passes is either protected or
    /// was let through because nobody answers.
    @Test func itIsNeverSilentWhileItIsUsed() {
        var generator = SystemRandomNumberGenerator()
        let answers: [TaskProtection.Answer] = [.done, .failed, .denied, .blocked(isWanted: nil), .blocked(isWanted: true)]
        for _ in 0..<300 {
            var protection = Self.started()
            var lastAsked = 0.0
            var used = 0.0
            for second in stride(from: 0.0, to: 4_000, by: 1) {
                if Int.random(in: 0..<200, using: &generator) != 0 { used = second }
                switch protection.next(used: used, now: second) {
                case .protect:
                    lastAsked = second
                    let answer = answers.randomElement(using: &generator) ?? .done
                    _ = protection.answered(answer, toProtect: true, asked: second, now: second)
                case .release:
                    _ = protection.answered(.done, toProtect: false, asked: second, now: second)
                case .leave: Issue.record("nobody said that it isn't wanted")
                case .none: break
                }
                #expect(second - used >= 360 || second - lastAsked <= 300)
            }
        }
    }
}
