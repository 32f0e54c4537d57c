import NIOCore
import Synchronization

/// The breakers of every origin that was asked for lately, shared by all loops. It is touched when an exchange begins, when
/// its response's head comes and when it ends, never for a part of a body.
final class CircuitTable: Sendable {
    /// What happened to the number of circuits that are not closed.
    struct Change: Equatable {
        var opened = 0
        var broken = 0
    }

    private struct Origins {
        // Two generations: what is used moves to the newer one; when that is half of what may be kept, the older one is
        // forgotten. So an origin is kept at least as long as a limit's half of others come after it.
        var newer: [String: CircuitBreaker] = [:]
        var older: [String: CircuitBreaker] = [:]
        /// Begins where no breaker that was forgotten can have been, so that its tickets mean nothing to its successor.
        var nextEra: UInt32 = 0
    }

    private let rules: CircuitBreaker.Rules
    private let limit: Int
    private let origins = Mutex(Origins())

    init(rules: CircuitBreaker.Rules, limit: Int) {
        self.rules = rules
        self.limit = limit
    }

    func admit(_ origin: String, now: NIODeadline) -> (CircuitBreaker.Admission, Change) {
        update(origin, now: now) { $0.admit(rules, now: now) }
    }

    func record(
        _ outcome: CircuitBreaker.Outcome, _ origin: String, _ ticket: CircuitBreaker.Ticket, now: NIODeadline
    ) -> Change {
        update(origin, now: now) { $0.record(outcome, ticket, rules, now: now) }.1
    }

    func state(of origin: String) -> CircuitBreaker.State {
        origins.withLock { ($0.newer[origin] ?? $0.older[origin])?.state ?? .closed }
    }

    var count: Int { origins.withLock { $0.newer.count + $0.older.count } }

    private func update<Result: Sendable>(
        _ origin: String, now: NIODeadline, _ body: (inout CircuitBreaker) -> Result
    ) -> (Result, Change) {
        origins.withLock { origins in
            var change = Change()
            var breaker =
                origins.newer[origin] ?? origins.older.removeValue(forKey: origin)
                ?? CircuitBreaker(era: origins.nextEra, window: rules.window, now: now)
            let before = breaker.state
            let result = body(&breaker)
            if breaker.isBroken, before == .closed { change.broken += 1 }
            if !breaker.isBroken, before != .closed { change.broken -= 1 }
            if case .open = breaker.state, breaker.state != before { change.opened += 1 }
            origins.newer[origin] = breaker
            origins.nextEra = max(origins.nextEra, breaker.eraAfter)
            if origins.newer.count * 2 > limit {
                change.broken -= origins.older.values.count { $0.isBroken }
                origins.older = origins.newer
                origins.newer = [:]
            }
            return (result, change)
        }
    }
}
