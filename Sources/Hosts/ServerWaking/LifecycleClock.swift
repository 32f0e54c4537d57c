/// The time as the driver of a server's life sees it: the system's, or one that somebody else moves.
package struct LifecycleClock: Sendable {
    /// The time since some moment that doesn't change.
    package var now: @Sendable () -> Duration
    /// Waits for a time; throws when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void
    /// What waits are varied by.
    package var random: @Sendable () -> UInt64

    /// A clock of functions which have to agree with each other.
    package init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void,
        random: @escaping @Sendable () -> UInt64 = { .random(in: 0 ... .max) }
    ) {
        self.now = now
        self.sleep = sleep
        self.random = random
    }

    /// The monotonic clock of the system.
    package static var system: LifecycleClock {
        let start = ContinuousClock.now
        return LifecycleClock(now: { ContinuousClock.now - start }, sleep: { try await Task.sleep(for: $0) })
    }
}
