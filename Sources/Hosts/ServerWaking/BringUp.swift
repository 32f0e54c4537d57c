/// One attempt to have the server started and to reach it: a value that is told what happened and the time, and says what is
/// to be done next. Times are seconds since the attempt began.
package struct BringUp: Sendable, Equatable {
    /// What is to be done next.
    package enum Action: Sendable, Equatable {
        /// Call the wake endpoint.
        case wake
        /// Call the status endpoint.
        case askStatus
        /// Nothing, until that time.
        case wait(until: Double)
        /// Nothing any more; the reason is for people.
        case giveUp(reason: String)
    }

    /// What a wake or status endpoint said.
    package enum Answer: Sendable, Equatable {
        /// It did what it was asked for.
        case accepted
        /// It will say the same again: the key is wrong, there is no such endpoint.
        case refused(String)
        /// It didn't, for a reason that may pass.
        case failed(String)
    }

    private let timeout: Double
    private let interval: Double
    private let canAskStatus: Bool
    private var isAwake = false
    private var isReady = false
    private var attempts = 0
    private var nextTime = 0.0
    private var lastProblem: String?
    private var refusal: String?

    /// An attempt that begins now.
    ///
    /// - Parameters:
    ///   - timeout: After how many seconds it is given up.
    ///   - interval: The longest wait between two calls, in seconds.
    ///   - canAskStatus: Whether there is a status endpoint.
    package init(timeout: Double, interval: Double, canAskStatus: Bool) {
        self.timeout = timeout
        self.interval = interval
        self.canAskStatus = canAskStatus
    }

    /// Whether it was given up because an endpoint will say no again.
    package var isRefused: Bool { refusal != nil }

    /// What is to be done at `now`. Asked again after each answer, and at the end of each wait.
    package func next(now: Double) -> Action {
        if let refusal { return .giveUp(reason: refusal) }
        guard now < timeout else {
            let reason = lastProblem.map { ": \($0)" } ?? ""
            return .giveUp(reason: "the server did not answer within \(Int(timeout)) s\(reason)")
        }
        guard now >= nextTime else { return .wait(until: min(nextTime, timeout)) }
        if !isAwake { return .wake }
        return canAskStatus ? .askStatus : .wait(until: min(now + interval, timeout))
    }

    /// Takes what the wake endpoint said. Without success, a wake follows again after a wait.
    package mutating func woke(_ answer: Answer, now: Double) {
        switch answer {
        case .accepted:
            isAwake = true
            attempts = 0
            lastProblem = nil
            // Whoever asks at once learns nothing.
            later(now)
        case .refused(let reason): refusal = reason
        case .failed(let reason):
            lastProblem = reason
            later(now)
        }
    }

    /// Takes what the status endpoint said.
    ///
    /// - Parameter isAsleep: Nobody wants the server to run any more, although it was woken; somebody killed it.
    package mutating func learned(_ answer: Answer, isAsleep: Bool, problem: String?, now: Double) {
        switch answer {
        case .accepted:
            if isAsleep { isAwake = false }
            lastProblem = problem
        case .refused(let reason), .failed(let reason):
            lastProblem = reason
        }
        later(now)
    }

    /// 0.5, 1, 2, 4 … seconds, up to the interval.
    private mutating func later(_ now: Double) {
        nextTime = now + min(interval, 0.5 * Double(1 << min(attempts, 10)))
        attempts += 1
    }
}
