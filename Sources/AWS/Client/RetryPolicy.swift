/// When a call is tried again, and after how long: a ceiling that doubles with each attempt, and a wait by chance below it,
/// so that many that were throttled together don't return together.
package struct RetryPolicy: Sendable {
    /// How often a call is tried at most, the first time included.
    package var attempts: Int
    /// The ceiling of the wait after the first attempt.
    package var base: Duration
    /// The ceiling of the wait after a first attempt that was throttled, which asks for more patience than a lost connection.
    package var throttlingBase: Duration
    /// The highest ceiling of a wait.
    package var longest: Duration

    /// A policy, by default five attempts with waits of up to five seconds.
    package init(
        attempts: Int = 5, base: Duration = .milliseconds(100), throttlingBase: Duration = .milliseconds(500),
        longest: Duration = .seconds(5)
    ) {
        self.attempts = attempts
        self.base = base
        self.throttlingBase = throttlingBase
        self.longest = longest
    }

    /// The wait after the failure of attempt `attempt` (from 1), or nil when it was the last.
    package func wait(
        after error: AWSError, attempt: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard error.isTransient, attempt < attempts else { return nil }
        let first = error.isThrottling ? throttlingBase : base
        let ceiling = min(first * (1 << min(attempt - 1, 16)), longest)
        return ceiling * Double.random(in: 0.1...1, using: &generator)
    }
}
