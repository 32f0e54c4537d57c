/// What the actions answer. Names and types are a contract with whoever calls them.
package struct WakeAnswer: Sendable, Equatable, Codable {
    /// The service's state, as a word.
    package enum Status: String, Sendable, Codable {
        case waking
        case starting
        case alreadyRunning = "already_running"
    }

    package var status: Status
    package var desiredCount: Int
    package var runningCount: Int
    package var pendingCount: Int
    package var estimatedStartTime: String
}

/// What came of asking whether the service may sleep.
package enum SleepAnswer: Sendable, Equatable, Encodable {
    /// `idleDuration` in seconds.
    case scaledDown(reason: String, idleDuration: Int)
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
    package var status = "killed"
    package var desiredCount = 0
    package var message: String
}

/// How the service is.
package struct StatusAnswer: Sendable, Equatable, Codable {
    /// The service's state, as a word.
    package enum Status: String, Sendable, Codable {
        case asleep
        case starting
        case ready
        case stopping
    }

    package var status: Status
    package var ready: Bool
    package var desiredCount: Int
    package var runningCount: Int
    package var pendingCount: Int
    /// Host and port of the running task, where they can be known.
    package var address: String?
    package var lastStopReason: String?
    package var estimatedStartTime: String
}

/// Why an action could not be done, for whoever asked: nothing that AWS said is passed on.
package struct ServiceError: Error, Sendable, Equatable, Encodable {
    package var code: String
    package var message: String
    package var status: Int

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
