/// What the actions answer. Names and types are a contract with whoever calls them.
package struct WakeAnswer: Sendable, Equatable, Codable {
    /// The service's state, as a word.
    package enum Status: String, Sendable, Codable {
        /// The service was asleep and was made to want a task.
        case waking
        /// The service wants a task already, and none runs yet.
        case starting
        /// A task runs.
        case alreadyRunning = "already_running"
    }

    /// What the wake found.
    package var status: Status
    /// How many tasks the service wants.
    package var desiredCount: Int
    /// How many tasks run.
    package var runningCount: Int
    /// How many tasks are being started.
    package var pendingCount: Int
    /// How long the start usually takes, as text: `60-90 seconds`.
    package var estimatedStartTime: String
    /// In how many seconds it is worth asking how it is; nil where it runs.
    package var retryAfter: Int?
    /// Which limit is near, for people; nil for none.
    package var warning: String?
}

/// What came of asking whether the service may sleep.
package struct SleepAnswer: Sendable, Equatable, Codable {
    /// What was done, as a word.
    package enum Action: String, Sendable, Codable {
        /// The service wants no task any more.
        case scaledDown = "scaled_down"
        /// The service is as it was.
        case noChange = "no_change"
    }

    /// What was done.
    package var action: Action
    /// How many tasks the service wants from now on.
    package var desired: Int
    /// How many tasks ran when it was looked.
    package var running: Int
    /// The average number of agents' connections over the idle threshold.
    package var avgActive: Double
    /// For how long the service is idle, in seconds.
    package var idleDuration: Int
    /// Why it was done, as a sentence's end.
    package var reason: String
    /// Which limit is near, for people; nil for none.
    package var warning: String?
}

/// What came of stopping the service.
package struct KillAnswer: Sendable, Equatable, Codable {
    /// The word `killed`, whatever was found.
    package var status = "killed"
    /// How many tasks the service wants from now on.
    package var desiredCount = 0
    /// What becomes of the service, as a sentence.
    package var message = "Service shutdown initiated"

    /// The answer to every kill that is done.
    package init() {}
}

/// How the service is.
package struct StatusAnswer: Sendable, Equatable, Codable {
    /// The service's state, as a word.
    package enum Status: String, Sendable, Codable {
        /// No task is wanted and none runs.
        case asleep
        /// A task is wanted and none runs yet.
        case starting
        /// A task is wanted and runs.
        case ready
        /// No task is wanted and one still runs.
        case stopping
    }

    /// The service's state, made of the wanted and the running number.
    package var status: Status
    /// Whether `status` is `ready`.
    package var ready: Bool
    /// How many tasks the service wants.
    package var desiredCount: Int
    /// How many tasks run.
    package var runningCount: Int
    /// How many tasks are being started.
    package var pendingCount: Int
    /// Host and port of the running task, where they can be known.
    package var address: String?
    /// Why a task stopped last, as AWS says it; nil if none that AWS remembers did.
    package var lastStopReason: String?
    /// How long a start usually takes, as text: `60-90 seconds`.
    package var estimatedStartTime: String
    /// In how many seconds it is worth asking again, while it starts.
    package var retryAfter: Int?
    /// What ended it last and why, while no task is wanted: `kill: nightly`. Why it has no address, while one runs.
    package var reason: String?
    /// How long its tasks ran this month, in hours.
    package var hoursThisMonth: Double
    /// What that cost, where a price is configured.
    package var cost: Cost?
    /// Which limit is near, for people; nil for none.
    package var warning: String?

    /// Money that was spent and may be spent this month.
    package struct Cost: Sendable, Equatable, Codable {
        /// What this month has cost.
        package var spent: Double
        /// What a month may cost; nil for whatever it does.
        package var budget: Double?
        /// The name of the currency.
        package var currency: String

        init(_ cost: ServiceLimits.Cost, _ record: UptimeRecord) {
            spent = (cost.spent(record) * 100).rounded() / 100
            budget = cost.perMonth
            currency = cost.currency
        }
    }
}

/// Why an action could not be done, for whoever asked: nothing that AWS said is passed on.
package struct ServiceError: Error, Sendable, Equatable, Encodable {
    /// The kind of error in snake case, for programs.
    package var code: String
    /// What went wrong, for people.
    package var message: String
    /// The status of the HTTP answer.
    package var status: Int

    /// An error with the status that it is answered with.
    package init(code: String, message: String, status: Int) {
        self.code = code
        self.message = message
        self.status = status
    }

    private enum Key: String, CodingKey {
        case code
        case message
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(code, forKey: .code)
        try container.encode(message, forKey: .message)
    }
}
