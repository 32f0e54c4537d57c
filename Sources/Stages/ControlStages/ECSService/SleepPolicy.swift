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
    /// How long a running task may report nothing.
    package var missingMetrics = 1_800.0
    /// How long streams that are open and move nothing count as use: somebody waits for a slow answer, or forgot a tunnel.
    package var silentStreams = 3_600.0
    /// How old the newest report may be. CloudWatch gives values some minutes after it got them.
    package var delay = 300.0
    /// The resolution of the metrics that are read.
    package var period = 60

    /// The times that hold by default.
    package init() {}

    /// How far back metrics are read.
    package var window: Double { max(idleThreshold, missingMetrics) + delay + Double(2 * period) }
}

/// What is known of a service at one moment. Times are seconds of the Unix epoch.
package struct ServiceView: Sendable, Equatable {
    /// How many tasks the service wants.
    package var desired: Int
    /// How many tasks run.
    package var running: Int
    /// How many tasks are being started.
    package var pending: Int
    /// When the deployment began or its wanted number was changed last.
    package var deployed: Double?
    /// When the service was last woken, whatever the wake found.
    package var woken: Double?
    /// The last wake that made it want a task.
    package var begun: Double?
    /// When the newest running task started.
    package var runningSince: Double?
    /// When the first of those tasks was made that have not started since one last did.
    package var firstFailed: Double?
    /// Why a task stopped last, as AWS says it.
    package var stopReason: String?

    /// A service of which only the numbers of tasks are known.
    package init(desired: Int, running: Int, pending: Int = 0) {
        self.desired = desired
        self.running = running
        self.pending = pending
    }
}

/// What the server has reported of itself. Points are from the oldest to the newest.
package struct ActivityView: Sendable, Equatable {
    /// A value that was reported for one period.
    package struct Point: Sendable, Equatable {
        /// The beginning of the period, in seconds of the Unix epoch.
        package var time: Double
        /// What was reported for the period, its maximum.
        package var value: Double

        /// A point from the beginning of its period, in seconds of the Unix epoch, and its value.
        package init(_ time: Double, _ value: Double) {
            self.time = time
            self.value = value
        }
    }

    /// The numbers of open connections.
    package var connections: [Point] = []
    /// The times of the last activity, in seconds of the Unix epoch.
    package var lastActivity: [Point] = []
    /// The numbers of open streams.
    package var streams: [Point] = []
    /// The bytes that were relayed.
    package var bytes: [Point] = []
    /// Whether the reports are all that there are; false when there are more than CloudWatch would give.
    package var isComplete = true

    /// A view without any report.
    package init() {}
}
