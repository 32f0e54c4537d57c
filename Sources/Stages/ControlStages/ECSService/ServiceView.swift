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
    /// Who last made it want none.
    package var ended: Ending?
    /// When the newest running task started.
    package var runningSince: Double?
    /// The tasks that have stopped, or have run and are stopping, as far as AWS remembers them, in any order.
    package var stops: [TaskStop] = []
    /// How many tasks run that nobody has told to stop.
    package var staying = 0
    /// What the server says of itself.
    package var claim = Claim.unknown
    /// Which of the limits of hours and costs is reached, for people.
    package var limit: String?

    /// What a server says of itself by protecting its task or by declaring its use, or by doing neither.
    package enum Claim: Sendable, Equatable {
        /// It can't be asked: it has never said that it is in use, or AWS doesn't say.
        case unknown
        /// It is in use: so many tasks are protected, or all of them where one that isn't has declared its use.
        case inUse(Int)
        /// It could say that it is in use, and doesn't: it is not in use.
        case idle
    }

    /// A service of which only the numbers of tasks are known.
    package init(desired: Int, running: Int, pending: Int = 0) {
        self.desired = desired
        self.running = running
        self.pending = pending
    }

    /// Why a task stopped last, as AWS says it.
    package var stopReason: String? {
        stops.filter { $0.reason != nil }.max { ($0.stopped ?? 0) < ($1.stopped ?? 0) }?.reason
    }

    /// Since when nobody has made it want none: when the row of tasks began that runs now. Nil where nothing is known.
    package var upSince: Double? {
        if let begun { return begun }
        return runningSince ?? deployed
    }
}

/// A task that has stopped, or has run and is being stopped. Times are seconds of the Unix epoch.
package struct TaskStop: Sendable, Equatable {
    /// When the task was made.
    package var created: Double
    /// When it began to run; nil if it never did.
    package var started: Double?
    /// When it had stopped; nil while that isn't known.
    package var stopped: Double?
    /// Whether it ended by itself, or could not start, and nobody had told it to stop and no machine was taken away.
    package var isFailure: Bool
    /// Why it stopped, for people.
    package var reason: String?

    /// A task that was made at a time and has stopped.
    package init(created: Double, started: Double? = nil, stopped: Double? = nil, isFailure: Bool = true, reason: String? = nil) {
        self.created = created
        self.started = started
        self.stopped = stopped
        self.isFailure = isFailure
        self.reason = reason
    }

    /// Whether it has run, and is being stopped.
    package var isStopping: Bool { started != nil && stopped == nil }

    /// How long it ran, in seconds; 0 if it never did.
    package var life: Double { started.map { max(0, (stopped ?? $0) - $0) } ?? 0 }
}
