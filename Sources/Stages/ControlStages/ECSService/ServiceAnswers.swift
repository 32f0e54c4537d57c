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
}

/// What came of asking whether the service may sleep.
package enum SleepAnswer: Sendable, Equatable, Encodable {
    /// The service was put to sleep; `idleDuration` in seconds.
    case scaledDown(reason: String, idleDuration: Int)
    /// Nothing was changed. `avgActive` is the average number of connections, `idleDuration` in seconds.
    case noChange(desired: Int, running: Int, avgActive: Double, idleDuration: Int, reason: String)

    private enum Key: String, CodingKey {
        case action
        case reason
        case idleDuration
        case desired
        case running
        case avgActive
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .scaledDown(let reason, let idle):
            try container.encode("scaled_down", forKey: .action)
            try container.encode(reason, forKey: .reason)
            try container.encode(idle, forKey: .idleDuration)
        case .noChange(let desired, let running, let average, let idle, let reason):
            try container.encode("no_change", forKey: .action)
            try container.encode(desired, forKey: .desired)
            try container.encode(running, forKey: .running)
            try container.encode(average, forKey: .avgActive)
            try container.encode(idle, forKey: .idleDuration)
            try container.encode(reason, forKey: .reason)
        }
    }
}

/// What came of stopping the service.
package struct KillAnswer: Sendable, Equatable, Codable {
    /// The word `killed`, whatever was found.
    package var status = "killed"
    /// How many tasks the service wants from now on.
    package var desiredCount = 0
    /// What becomes of the service's tasks, as a sentence's end.
    package var message: String
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
