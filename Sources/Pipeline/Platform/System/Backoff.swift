package import NIOCore

/// How long to wait before the next attempt: longer each time, and by chance, so that many that lost one server don't come
/// back at the same moment.
package struct Backoff {
    let first: TimeAmount
    let longest: TimeAmount
    private var attempts = 0

    /// A wait of half of `first` to `first` before the first attempt, and of at most `longest` before any.
    package init(first: TimeAmount = .milliseconds(100), longest: TimeAmount = .seconds(15)) {
        self.first = first
        self.longest = longest
    }

    /// Begins anew with the shortest wait: an attempt has succeeded.
    package mutating func reset() { attempts = 0 }

    /// Half of a time that doubles with each attempt, and up to as much again by chance.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> TimeAmount {
        let doubled = first.nanoseconds.multipliedReportingOverflow(by: 1 << Int64(min(attempts, 20)))
        let ceiling = doubled.overflow ? longest.nanoseconds : min(doubled.partialValue, longest.nanoseconds)
        attempts += 1
        return .nanoseconds(Int64.random(in: (ceiling / 2)...ceiling, using: &generator))
    }
}
