/// When a server protects its task from being stopped as unused: a value that is told what happened and the time, and says what is to
/// be done. Times are seconds by any clock that doesn't jump.
///
/// The task is protected from its start and while it is in use, until nothing has passed for a while. Then it gives its protection up,
/// and asks for it again before it lets anything new pass. Where it isn't protected all the same, it declares its use in another way,
/// which `sleep` looks at as well, and lets nothing pass before one of the two was heard.
package struct TaskProtection: Sendable, Equatable {
    /// What is to be done.
    package enum Action: Sendable, Equatable {
        /// Nothing now.
        case none
        /// Ask for protection, for so many minutes.
        case protect(minutes: Int)
        /// Give it up.
        case release
        /// Write down that the task is in use, for `UseDeclaration.validity`, and look then whether the service wants a task.
        case declare
        /// The service doesn't want this task any more: end in order, before somebody begins something that would be cut.
        case leave
    }

    /// What came of a wish.
    package enum Answer: Sendable, Equatable {
        /// It is as wished.
        case done
        /// ECS doesn't protect this task now. `isWanted`: whether the service wants any task, if that could be found out.
        case blocked(isWanted: Bool?)
        /// The task may not protect itself, or declare its use.
        case denied
        /// It isn't known.
        case failed
    }

    private enum State: Equatable {
        case unprotected
        case protected(until: Double)
        case leaving
    }

    /// Where a task is neither protected nor declared, both are tried so often within two seconds, and what comes waits for that. Then it
    /// passes: a server that nobody hears serves all the same.
    private static let tries = 5
    private static let pause = 5.0
    private static let pauseWhenDenied = 60.0
    /// How long a declaration is counted on here. It is believed for `UseDeclaration.validity`: the rest is for clocks that are off.
    private static let trust = 240.0
    /// A protection that couldn't be renewed until so shortly before its end is followed by a declaration.
    private static let lastMoment = 60.0

    private let quiet: Double
    private let expiry: Double
    private var state = State.unprotected
    private var lastUse: Double
    /// A wish is on its way: to protect, to give up, or to declare.
    private var isAsking = false
    /// Not asked again before this.
    private var nextTime = 0.0
    /// Until when the declaration is counted on.
    private var declaredUntil = -Double.infinity
    /// Whether the last answer was that the task may not protect itself.
    private var isDenied = false
    /// How often in a row neither protection nor declaration was to be had.
    private var failures = 0
    /// How long the protection lasts that is about to be given up.
    private var abandoned = 0.0

    /// - Parameters:
    ///   - quiet: How long nothing must have passed before protection is given up.
    ///   - expiry: How long protection lasts that isn't renewed; it is renewed after a third of that.
    ///   - now: When the server started, which counts as use: whoever woke it is about to connect.
    package init(quiet: Double, expiry: Double, now: Double) {
        self.quiet = quiet
        self.expiry = max(expiry, 60)
        lastUse = now
    }

    /// Whether what comes may pass at once. Otherwise it waits for the answer to a wish, for a moment.
    package func passes(now: Double) -> Bool {
        state != .leaving && (isProtected(now: now) || now < declaredUntil || failures >= Self.tries)
    }

    /// Whether the task is protected as far as is known.
    package func isProtected(now: Double) -> Bool {
        if case .protected(let until) = state { return now < until }
        return false
    }

    /// Whether the process is to end: nothing passes any more.
    package var isLeaving: Bool { state == .leaving }

    /// What is to be done at `now`.
    ///
    /// - Parameter used: When something last came or moved; for what is open and may still move, and for what waits, that is now.
    package mutating func next(used: Double, now: Double) -> Action {
        lastUse = max(lastUse, min(used, now))
        let isUsed = now - lastUse < quiet
        if !isUsed, state == .unprotected {
            // What comes after the pause waits for a new answer, and asks for it at once.
            failures = 0
            nextTime = min(nextTime, now)
        }
        guard state != .leaving, !isAsking, now >= nextTime else { return .none }
        switch state {
        case .protected(let until):
            if !isUsed {
                // Closed first: what comes from now on waits for the next wish.
                state = .unprotected
                abandoned = until
                failures = 0
                isAsking = true
                return .release
            }
            guard until - now <= expiry * 2 / 3 else { return .none }
        case .unprotected: guard isUsed else { return .none }
        case .leaving: return .none
        }
        isAsking = true
        return .protect(minutes: Int((expiry / 60).rounded(.up)))
    }

    /// When it is worth looking again, where that is sooner than the next look by itself.
    package func retry(after now: Double) -> Double? { failures > 0 && nextTime > now ? nextTime : nil }

    /// Something came to pass between the decision to give up and its sending: it isn't sent.
    package mutating func keep() {
        isAsking = false
        state = .protected(until: abandoned)
    }

    /// Takes what came of a wish to protect, or to give up; `asked` is when it was sent. Returns what follows at once.
    package mutating func answered(_ answer: Answer, toProtect: Bool, asked: Double, now: Double) -> Action {
        isAsking = false
        nextTime = now
        guard toProtect else {
            // Whether it was given up or not: it isn't counted on.
            return .none
        }
        switch answer {
        case .done:
            state = .protected(until: asked + expiry)
            failures = 0
            isDenied = false
            return .none
        case .blocked(isWanted: false):
            nextTime = now + Self.pause
            // What is protected still may finish. What isn't will be stopped within seconds.
            return isProtected(now: now) ? .none : unwanted()
        case .blocked, .failed, .denied:
            isDenied = answer == .denied
            nextTime = now + (isDenied ? Self.pauseWhenDenied : Self.pause)
            // What is protected still has time. Anything else would begin unprotected, for one call that was throttled say.
            if case .protected(let until) = state, until - now >= Self.lastMoment { return .none }
            guard declaredUntil - now <= Self.trust / 3 else { return .none }
            isAsking = true
            return .declare
        }
    }

    /// Takes what came of a declaration: `.done` if it is written and the service wanted a task after that. `asked` is when it was begun.
    /// Returns what follows at once.
    package mutating func declared(_ answer: Answer, asked: Double, now: Double) -> Action {
        isAsking = false
        switch answer {
        case .done:
            declaredUntil = asked + Self.trust
            failures = 0
        case .blocked(isWanted: false): return isProtected(now: now) ? .none : unwanted()
        case .blocked, .failed, .denied:
            guard !isProtected(now: now), now >= declaredUntil else {
                nextTime = min(nextTime, now + Self.pause)
                return .none
            }
            // Nobody has to wait for what doesn't come.
            failures = answer == .denied && isDenied ? Self.tries : failures + 1
            if failures < Self.tries { nextTime = now + 0.1 * Double(failures) }
        }
        return .none
    }

    private mutating func unwanted() -> Action {
        state = .leaving
        return .leave
    }
}
