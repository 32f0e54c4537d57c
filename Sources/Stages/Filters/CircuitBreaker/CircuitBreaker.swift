import NIOCore

/// One origin's breaker as a plain value; time is passed in.
///
/// - closed: everything passes. When, within the window, at least a minimum of exchanges ended and the rate of failures among
///   them reaches the limit, it opens.
/// - open: nothing passes, for a time.
/// - half-open: a few pass as probes, so many at once. When that many have succeeded it closes; when one fails it opens again.
struct CircuitBreaker {
    struct Rules: Sendable, Equatable {
        /// The rate of failures at which the circuit opens, above 0 and up to 1.
        var rate = 0.5
        /// The exchanges that must have ended within the window before the rate counts.
        var minimum = 20
        var window = TimeAmount.seconds(30)
        /// How long the circuit stays open.
        var pause = TimeAmount.seconds(30)
        /// Probes at once while half-open, and the successes that close the circuit.
        var probes = 1
    }

    enum State: Equatable {
        case closed
        case open(until: NIODeadline)
        case halfOpen(probing: Int, succeeded: Int)
    }

    enum Outcome {
        case success
        case failure
        /// Says nothing of the origin: the client left, another stage refused.
        case neutral
    }

    /// Goes with an exchange that was let through, and comes back with its outcome.
    struct Ticket: Equatable {
        fileprivate var era: UInt32
    }

    enum Admission: Equatable {
        case pass(Ticket)
        case refuse(retryAfter: TimeAmount)
    }

    private(set) var state = State.closed
    /// Changes with the state: what was let through in one says nothing in the next.
    private var era: UInt32
    private var counts: SlidingCounts

    init(era: UInt32 = 0, window: TimeAmount, now: NIODeadline) {
        self.era = era
        self.counts = SlidingCounts(window: window, now: now)
    }

    var isBroken: Bool { state != .closed }

    /// An era that the breaker has not been in.
    var eraAfter: UInt32 { era &+ 1 }

    mutating func admit(_ rules: Rules, now: NIODeadline) -> Admission {
        switch state {
        case .closed:
            return .pass(Ticket(era: era))
        case .open(let until) where now < until:
            return .refuse(retryAfter: until - now)
        case .open:
            enter(.halfOpen(probing: 1, succeeded: 0))
            return .pass(Ticket(era: era))
        case .halfOpen(let probing, let succeeded):
            guard probing + succeeded < rules.probes else { return .refuse(retryAfter: .seconds(1)) }
            state = .halfOpen(probing: probing + 1, succeeded: succeeded)
            return .pass(Ticket(era: era))
        }
    }

    mutating func record(_ outcome: Outcome, _ ticket: Ticket, _ rules: Rules, now: NIODeadline) {
        guard ticket.era == era else { return }
        switch (state, outcome) {
        case (.closed, .neutral), (.open, _):
            break
        case (.closed, _):
            counts.add(isFailure: outcome == .failure, now: now)
            let (total, failures) = counts.sums(now: now)
            guard outcome == .failure, total >= rules.minimum, Double(failures) >= rules.rate * Double(total) else { return }
            open(rules, now: now)
        case (.halfOpen(let probing, let succeeded), .neutral):
            state = .halfOpen(probing: probing - 1, succeeded: succeeded)
        case (.halfOpen, .failure):
            open(rules, now: now)
        case (.halfOpen(let probing, let succeeded), .success):
            guard succeeded + 1 >= rules.probes else {
                state = .halfOpen(probing: probing - 1, succeeded: succeeded + 1)
                return
            }
            enter(.closed)
            counts = SlidingCounts(window: rules.window, now: now)
        }
    }

    private mutating func open(_ rules: Rules, now: NIODeadline) { enter(.open(until: now + rules.pause)) }

    private mutating func enter(_ next: State) {
        state = next
        era &+= 1
    }
}

/// How many of what happened in the last while were failures, in ten parts of it: what is older is forgotten a tenth at a time.
struct SlidingCounts {
    private static let parts = 10

    private let part: Int64
    private var totals = [UInt32](repeating: 0, count: parts)
    private var failures = [UInt32](repeating: 0, count: parts)
    /// The number of the part that is counted in now.
    private var current: Int64

    init(window: TimeAmount, now: NIODeadline) {
        part = max(1, window.nanoseconds / Int64(Self.parts))
        current = Int64(now.uptimeNanoseconds) / part
    }

    mutating func add(isFailure: Bool, now: NIODeadline) {
        advance(now)
        let index = Int(current % Int64(Self.parts))
        totals[index] &+= 1
        if isFailure { failures[index] &+= 1 }
    }

    mutating func sums(now: NIODeadline) -> (total: Int, failures: Int) {
        advance(now)
        return (totals.reduce(0) { $0 + Int($1) }, failures.reduce(0) { $0 + Int($1) })
    }

    private mutating func advance(_ now: NIODeadline) {
        let latest = Int64(now.uptimeNanoseconds) / part
        guard latest > current else { return }
        for step in 1...min(latest - current, Int64(Self.parts)) {
            let index = Int((current + step) % Int64(Self.parts))
            totals[index] = 0
            failures[index] = 0
        }
        current = latest
    }
}
