import NIOCore

/// How long to wait before the next attempt: longer each time, and by chance, so that many agents that lost one server don't
/// come back at the same moment.
struct Backoff {
    static let first = TimeAmount.milliseconds(100)
    static let longest = TimeAmount.seconds(15)

    private var attempts = 0

    mutating func reset() { attempts = 0 }

    /// Half of a time that doubles with each attempt, and up to as much again by chance.
    mutating func next(using generator: inout some RandomNumberGenerator) -> TimeAmount {
        let doubled = Self.first.nanoseconds << Int64(min(attempts, 10))
        let ceiling = min(doubled, Self.longest.nanoseconds)
        attempts += 1
        return .nanoseconds(Int64.random(in: (ceiling / 2)...ceiling, using: &generator))
    }
}
