/// Times that decide when a service is put to sleep, in seconds.
package struct SleepPolicy: Sendable, Equatable {
    /// How long nobody must have used it.
    package var idleThreshold = 900.0
    /// How long a task that has just started is left alone: its metrics aren't there yet.
    package var grace = 300.0
    /// How long the service is left alone after a wake: who woke it is about to connect.
    package var cooldown = 300.0
    /// How long it may want a task without having one.
    package var startDeadline = 600.0
    /// How many tasks in a row may end by themselves, each within `idleThreshold` of its start, before it is stopped.
    package var crashes = 3
    /// How long a running task may report nothing that says by itself that it isn't in use.
    package var missingMetrics = 1_800.0
    /// How long a running task may report nothing of which nobody can say whether it is in use.
    package var unheard = 14_400.0
    /// How long streams that are open and move nothing count as use: somebody waits for a slow answer, or forgot a tunnel.
    package var silentStreams = 3_600.0
    /// How old the newest report may be. CloudWatch gives values some minutes after it got them.
    package var delay = 300.0
    /// The resolution of the metrics that are read.
    package var period = 60

    /// The times that hold by default.
    package init() {}

    /// How far back metrics are read.
    package var window: Double { max(2 * idleThreshold + delay, missingMetrics) + delay + Double(2 * period) }
    /// How far a clock may be off, in seconds: reports from so far in the future are taken for ones of now.
    package static let clockTolerance = 600.0
    /// How long wakes alone, nothing being carried, keep the service up after it was last used.
    package var wakesOnly: Double { idleThreshold + 2 * cooldown }
}
