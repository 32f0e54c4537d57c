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
        /// It has no time for us now: too many ask. `after`: in how many seconds it may have, where it says so.
        case throttled(String, after: Double?)
    }

    /// The longest wait after an answer that says that too many ask, in seconds, where it doesn't ask for more.
    private static let longestWindow = 8.0
    /// What an endpoint is believed, in seconds.
    private static let longestAfter = 60.0

    private let timeout: Double
    private let interval: Double
    private let canAskStatus: Bool
    private var isAwake = false
    private var isReady = false
    private var attempts = 0
    private var nextTime = 0.0
    private var lastProblem: String?
    private var refusal: String?
    /// Whether the server's status says as much as another wake would: somebody else may have woken it.
    private var asksFirst = false
    /// Over how many seconds calls are spread: it doubles when too many ask, and shrinks when they are answered.
    private var window = 1.0
    private var random: UInt64

    /// An attempt that begins now.
    ///
    /// - Parameters:
    ///   - timeout: After how many seconds it is given up.
    ///   - interval: The longest wait between two calls, in seconds.
    ///   - canAskStatus: Whether there is a status endpoint.
    ///   - seed: What waits are varied by, so that many agents don't ask at once: another one for each attempt.
    package init(
        timeout: Double, interval: Double, canAskStatus: Bool, seed: UInt64 = .random(in: 0 ... .max)
    ) {
        self.timeout = timeout
        self.interval = interval
        self.canAskStatus = canAskStatus
        random = seed
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
        if !isAwake { return asksFirst ? .askStatus : .wake }
        return canAskStatus ? .askStatus : .wait(until: min(now + interval, timeout))
    }

    /// Takes what the wake endpoint said. Without success, a wake follows again after a wait.
    ///
    /// - Parameter retryAfter: In how many seconds it is worth asking how the server is, as the endpoint says.
    package mutating func woke(_ answer: Answer, retryAfter: Double? = nil, now: Double) {
        switch answer {
        case .accepted:
            isAwake = true
            attempts = 0
            lastProblem = nil
            // Whoever asks at once learns nothing.
            later(now, answered: retryAfter)
        case .refused(let reason): refusal = reason
        case .failed(let reason):
            lastProblem = reason
            later(now, answered: nil)
        case .throttled(let reason, let after):
            lastProblem = reason
            asksFirst = canAskStatus
            giveWay(now, after)
        }
    }

    /// Takes what the status endpoint said.
    ///
    /// - Parameters:
    ///   - isAsleep: Nobody wants the server to run any more, although it was woken; somebody killed it.
    ///   - retryAfter: In how many seconds it is worth asking again, as the endpoint says.
    package mutating func learned(
        _ answer: Answer, isAsleep: Bool, problem: String?, retryAfter: Double? = nil, now: Double
    ) {
        switch answer {
        case .accepted:
            isAwake = !isAsleep
            asksFirst = false
            lastProblem = problem
        case .refused(let reason), .failed(let reason):
            asksFirst = false
            lastProblem = reason
        case .throttled(let reason, let after):
            lastProblem = reason
            return giveWay(now, after)
        }
        later(now, answered: retryAfter)
    }

    /// When the endpoint says, and a little later, for many were told the same; else 0.5, 1, 2, 4 … seconds, up to the interval.
    private mutating func later(_ now: Double, answered retryAfter: Double?) {
        if let retryAfter {
            window = max(1, window * 0.75)
            let least = max(Self.bounded(retryAfter), window)
            nextTime = now + least + part() * max(min(least / 2, 3), window / 2)
        } else {
            nextTime = now + min(interval, 0.5 * Double(1 << min(attempts, 10)))
        }
        attempts += 1
    }

    /// Too many ask: later, and not with the others.
    private mutating func giveWay(_ now: Double, _ after: Double?) {
        window = min(Self.longestWindow, window * 2)
        let least = Self.bounded(after ?? 0)
        nextTime = now + max(least + part() * window / 2, window * (0.5 + part()))
        attempts += 1
    }

    /// What is no number is none.
    private static func bounded(_ seconds: Double) -> Double { seconds > 0 ? min(seconds, longestAfter) : 0 }

    /// A number from 0 to 1 (SplitMix64).
    private mutating func part() -> Double {
        random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (random ^ (random >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
    }
}
