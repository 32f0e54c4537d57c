public import ConfigurationLanguage

/// Which way a body goes.
public enum BodyDirection: String, Sendable, CaseIterable, ConfigurationChoice {
    /// The request's body, and what a client sends in a tunnel.
    case request
    /// The response's body, and what a client gets from a tunnel.
    case response
    /// The bodies of both.
    case both

    var hasRequest: Bool { self != .response }
    var hasResponse: Bool { self != .request }
}

/// What `fault` can be told.
public struct FaultConfiguration: StageConfiguration {
    /// Patterns of the hosts whose exchanges are disturbed; empty for all.
    public var hosts: [Glob] = []
    /// The seed of the random numbers, which makes them repeat themselves on one event loop; nil for a random one.
    public var seed: Int?
    /// Requests go on late.
    public var latency: Latency?
    /// Requests are answered with an error, or their connection is reset.
    public var abort: Abort?
    /// Bodies break off.
    public var truncate: Truncate?
    /// Bodies pass slowly.
    public var throttle: Throttle?
    /// In each part of a body one bit is wrong.
    public var corrupt: Corrupt?

    public init() {}

    public static let schema = Schema<FaultConfiguration>(
        .optional("hosts", \.hosts, "Hosts whose exchanges are disturbed, as patterns. Without it, all are."),
        .optional(
            "seed", \.seed, "Makes chance repeat itself: the same exchanges in the same order on one event loop fare the same."),
        .optional("latency", \.latency, "Requests go on late."),
        .optional("abort", \.abort, "Requests are answered with an error, or their connection is reset."),
        .optional("truncate", \.truncate, "Bodies break off."),
        .optional("throttle", \.throttle, "Bodies pass slowly."),
        .optional("corrupt", \.corrupt, "In each part of a body one bit is wrong.")
    )

    public func validate() -> [ConfigurationProblem] {
        guard latency == nil, abort == nil, truncate == nil, throttle == nil, corrupt == nil else {
            return hosts.hostProblems(key: "hosts")
        }
        return [
            ConfigurationProblem(
                "no fault is named", hint: "name one or more of latency, abort, truncate, throttle and corrupt")
        ]
    }

    /// Lets exchanges wait.
    public struct Latency: NestedConfiguration {
        /// The probability that an exchange fares so, from 0 to 1.
        public var probability = 1.0
        /// How late a request goes on.
        public var delay = Duration.milliseconds(100)
        /// How much later a request goes on by chance, at most.
        public var jitter = Duration.zero

        public init() {}

        public static let schema = Schema<Latency>(
            .optional("probability", \.probability, in: 0...1, "How many exchanges fare so, 1 being all."),
            .optional("delay", \.delay, in: .zero...(.seconds(600)), "How late a request goes on."),
            .optional("jitter", \.jitter, in: .zero...(.seconds(600)), "How much later by chance, at most.")
        )
    }

    /// Answers in the place of the origin, or resets.
    public struct Abort: NestedConfiguration {
        /// The probability that an exchange fares so, from 0 to 1.
        public var probability = 1.0
        /// The status of the answer, from 400 to 599.
        public var status = 503
        /// Whether the client's connection, or the tunnel's stream, is reset in place of an answer.
        public var reset = false

        public init() {}

        public static let schema = Schema<Abort>(
            .optional("probability", \.probability, in: 0...1, "How many exchanges fare so, 1 being all."),
            .optional("status", \.status, in: 400...599, "The status of the answer."),
            .optional("reset", \.reset, "Resets the client's connection, or the tunnel's stream, in place of an answer.")
        )
    }

    /// Ends bodies in the middle.
    public struct Truncate: NestedConfiguration {
        /// The probability that an exchange fares so, from 0 to 1.
        public var probability = 1.0
        /// How much of a body passes at most; a body that is no longer isn't touched.
        public var after = ByteCount(0)
        /// Whose bodies break off.
        public var of = BodyDirection.response

        public init() {}

        public static let schema = Schema<Truncate>(
            .optional("probability", \.probability, in: 0...1, "How many exchanges fare so, 1 being all."),
            .optional(
                "after", \.after, in: ByteCount(0)...ByteCount(1 << 40),
                "How much of a body passes at most. A body that is no longer isn't touched."),
            .optional("of", \.of, "Whose bodies.")
        )
    }

    /// Slows bodies down.
    public struct Throttle: NestedConfiguration {
        /// The probability that an exchange fares so, from 0 to 1.
        public var probability = 1.0
        /// How much of a body passes in a second.
        public var rate = ByteCount(64 << 10)
        /// Whose bodies pass slowly.
        public var of = BodyDirection.response

        public init() {}

        public static let schema = Schema<Throttle>(
            .optional("probability", \.probability, in: 0...1, "How many exchanges fare so, 1 being all."),
            .optional("rate", \.rate, in: ByteCount(1)...ByteCount(1 << 40), "How much of a body passes in a second."),
            .optional("of", \.of, "Whose bodies.")
        )
    }

    /// Changes bytes of bodies.
    public struct Corrupt: NestedConfiguration {
        /// The probability that an exchange fares so, from 0 to 1.
        public var probability = 1.0
        /// Whose bodies are changed.
        public var of = BodyDirection.response

        public init() {}

        public static let schema = Schema<Corrupt>(
            .optional("probability", \.probability, in: 0...1, "How many exchanges fare so, 1 being all."),
            .optional("of", \.of, "Whose bodies.")
        )
    }
}
