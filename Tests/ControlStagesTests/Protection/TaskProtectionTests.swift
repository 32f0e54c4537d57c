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

    private static let failures: [TaskProtection.Answer] = [
        .failed, .denied, .blocked(isWanted: true), .blocked(isWanted: nil),
    ]

    /// Nothing passes before the task is protected or its use declared, whatever the one or the other was answered with.
    @Test(arguments: failures)
    func whatCannotBeProtectedIsDeclared(_ answer: TaskProtection.Answer) {
        var protection = Self.started()
        #expect(protection.next(used: 0, now: 0) == .protect(minutes: 15))
        #expect(protection.answered(answer, toProtect: true, asked: 0, now: 0) == .declare)
        #expect(!protection.passes(now: 0))
        // One wish at a time.
        #expect(protection.next(used: 0, now: 70) == .none)
        #expect(protection.declared(.done, asked: 1, now: 2) == .none)
        #expect(protection.passes(now: 2) && !protection.isProtected(now: 2))
    }

    /// Used for an hour without protection: what is declared is declared anew while it is counted on, and what comes passes at all times.
    @Test(arguments: failures)
    func aDeclarationIsRenewedWhileItIsUsed(_ answer: TaskProtection.Answer) {
        var protection = Self.started()
        var declared: [Double] = []
        for now in stride(from: 0.0, through: 3_600, by: 1) {
            if protection.next(used: now, now: now) == .protect(minutes: 15),
                protection.answered(answer, toProtect: true, asked: now, now: now) == .declare
            {
                declared.append(now)
                #expect(protection.declared(.done, asked: now, now: now) == .none)
            }
            #expect(protection.passes(now: now))
        }
        #expect(zip(declared, declared.dropFirst()).allSatisfy { $1 - $0 >= 60 && $1 - $0 <= UseDeclaration.validity - 300 })
        // It ends well before it isn't believed any more, by a clock that is five minutes off.
        #expect(!protection.passes(now: (declared.last ?? 0) + UseDeclaration.validity - 300))
    }

    /// What comes after a pause waits for a new answer, and it is asked for at once.
    @Test(arguments: failures)
    func aDeclarationIsNotCountedOnAfterAPause(_ answer: TaskProtection.Answer) {
        var protection = Self.started()
        var now = 0.0
        while now < 800 {
            if case .protect = protection.next(used: 10, now: now),
                protection.answered(answer, toProtect: true, asked: now, now: now) == .declare
            {
                _ = protection.declared(.done, asked: now, now: now)
            }
            now += 1
        }
        #expect(!protection.passes(now: now))
        #expect(protection.next(used: now, now: now) == .protect(minutes: 15))
    }

    @Test(arguments: failures)
    func aServiceThatIsFoundToWantNoTaskIsLeft(_ answer: TaskProtection.Answer) {
        var protection = Self.started()
        _ = protection.next(used: 0, now: 0)
        #expect(protection.answered(answer, toProtect: true, asked: 0, now: 0) == .declare)
        #expect(protection.declared(.blocked(isWanted: false), asked: 0, now: 1) == .leave)
        #expect(protection.isLeaving && !protection.passes(now: 1))
    }

    /// A renewal that fails is followed by a declaration before the protection ends, and not long before.
    @Test func aProtectionThatEndsIsFollowedByADeclaration() {
        var protection = Self.protected()
        var declared: Double?
        for now in stride(from: 300.0, through: 900, by: 5) where declared == nil {
            guard case .protect = protection.next(used: now, now: now) else { continue }
            guard protection.answered(.failed, toProtect: true, asked: now, now: now) == .declare else { continue }
            declared = now
            _ = protection.declared(.done, asked: now, now: now)
        }
        #expect((800...895).contains(declared ?? 0))
        #expect(protection.passes(now: 901))
    }

    /// One call that was throttled isn't worth a transfer: within two seconds it is asked again and again, and what comes waits.
    @Test(arguments: [TaskProtection.Answer.failed, .blocked(isWanted: true), .blocked(isWanted: nil)])
    func aWishIsRepeatedAtOnce(_ answer: TaskProtection.Answer) {
        var protection = Self.started()
        var now = 0.0
        for attempt in 1..<5 {
            #expect(protection.next(used: now, now: now) == .protect(minutes: 15))
            #expect(protection.answered(answer, toProtect: true, asked: now, now: now) == .declare)
            #expect(protection.declared(.failed, asked: now, now: now) == .none)
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

    /// What both wishes were answered with, how often, and when it is asked again while what comes passes.
    @Test(
        arguments: [
            (.failed, .failed, 5, 5), (.blocked(isWanted: true), .denied, 5, 5), (.blocked(isWanted: nil), .failed, 5, 5),
            (.denied, .failed, 5, 60), (.denied, .denied, 1, 60),
        ] as [(TaskProtection.Answer, TaskProtection.Answer, Int, Double)])
    func nobodyWaitsForWhatDoesNotCome(
        _ answer: TaskProtection.Answer, _ declaration: TaskProtection.Answer, _ times: Int, _ again: Double
    ) {
        var protection = Self.started()
        var now = 0.0
        for _ in 0..<times {
            #expect(!protection.passes(now: now))
            #expect(protection.next(used: now, now: now) == .protect(minutes: 15))
            #expect(protection.answered(answer, toProtect: true, asked: now, now: now) == .declare)
            #expect(protection.declared(declaration, asked: now, now: now) == .none)
            now = protection.retry(after: now).map { min($0, 1.5) } ?? now
        }
        #expect(protection.passes(now: now) && !protection.isProtected(now: now))
        #expect(protection.next(used: again - 0.1, now: again - 0.1) == .none)
        #expect(protection.next(used: again + 2, now: again + 2) == .protect(minutes: 15))
        _ = protection.answered(.done, toProtect: true, asked: again + 2, now: again + 3)
        #expect(protection.isProtected(now: again + 3))
    }

    /// After a pause another wish is waited for, though the last one failed.
    @Test func aFailureIsForgottenInAPause() {
        var protection = Self.started()
        _ = protection.next(used: 0, now: 0)
        _ = protection.answered(.failed, toProtect: true, asked: 0, now: 0)
        _ = protection.declared(.failed, asked: 0, now: 0)
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
                    if protection.answered(answer, toProtect: true, asked: second, now: second) == .declare {
                        _ = protection.declared(answers.randomElement(using: &generator) ?? .done, asked: second, now: second)
                    }
                case .release:
                    _ = protection.answered(.done, toProtect: false, asked: second, now: second)
                case .leave: Issue.record("nobody said that it isn't wanted")
                case .none, .declare: break
                }
                #expect(second - used >= 360 || second - lastAsked <= 300)
            }
        }
    }
}
