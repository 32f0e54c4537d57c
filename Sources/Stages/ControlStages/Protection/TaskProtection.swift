/// When a server protects its task from being stopped as unused: a value that is told what happened and the time, and says what is to
/// be done. Times are seconds by any clock that doesn't jump.
///
/// The task is protected from its start and while it is in use, until nothing has passed for a while. Then it gives its protection up,
/// and asks for it again before it lets anything new pass.
package struct TaskProtection: Sendable, Equatable {
    /// What is to be done.
    package enum Action: Sendable, Equatable {
        /// Nothing now.
        case none
        /// Ask for protection, for so many minutes.
        case protect(minutes: Int)
        /// Give it up.
        case release
        /// The service doesn't want this task any more: end in order, before somebody begins something that would be cut.
        case leave
    }

    /// What came of a wish.
    package enum Answer: Sendable, Equatable {
        /// It is as wished.
        case done
        /// ECS doesn't protect this task now. `isWanted`: whether the service wants any task, if that could be found out.
        case blocked(isWanted: Bool?)
        /// The task may not protect itself.
        case denied
        /// It isn't known.
        case failed
    }

    private enum State: Equatable {
        case open
        case unprotected
        case protected(until: Double)
        case leaving
    }

    /// A wish that isn't answered is repeated so often within two seconds, and what comes waits for that. Then it passes.
    private static let tries = 5
    private static let pause = 5.0

    private let quiet: Double
    private let expiry: Double
    private var state = State.unprotected
    private var lastUse: Double
    /// A wish is on its way: to protect, or to give up.
    private var isAsking = false
    /// Not asked again before this.
    private var nextTime = 0.0
    /// How often in a row somebody has asked in vain.
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
        switch state {
        case .open: true
        case .protected(let until): now < until
        case .unprotected: failures >= Self.tries
        case .leaving: false
        }
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
        guard state != .leaving, !isAsking, now >= nextTime else { return .none }
        let isUsed = now - lastUse < quiet
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
        case .open, .unprotected:
            guard isUsed else {
                if state == .unprotected { failures = 0 }
                return .none
            }
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

    /// Takes what came of a wish; `asked` is when it was sent. Returns what follows at once.
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
        case .blocked(isWanted: false):
            // What is protected still may finish. What isn't will be stopped within seconds.
            guard !isProtected(now: now) else {
                nextTime = now + Self.pause
                return .none
            }
            state = .leaving
            return .leave
        case .blocked, .failed:
            // What is protected still has time. Anything else would begin unprotected, for one call that was throttled say.
            failures = isProtected(now: now) ? 0 : failures + 1
            nextTime = now + ((1..<Self.tries).contains(failures) ? 0.1 * Double(failures) : Self.pause)
        case .denied:
            // Nobody has to wait for what doesn't come.
            state = .open
            nextTime = now + 60
        }
        return .none
    }
}
