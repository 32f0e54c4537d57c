public import ConfigurationLanguage

/// Which way a body goes.
public enum BodyDirection: String, Sendable, CaseIterable, ConfigurationChoice {
    case request
    case response
    case both

    var hasRequest: Bool { self != .response }
    var hasResponse: Bool { self != .request }
}

/// What `fault` can be told.
public struct FaultConfiguration: StageConfiguration {
    public var hosts: [Glob] = []
    public var seed: Int?
    public var latency: Latency?
    public var abort: Abort?
    public var truncate: Truncate?
    public var throttle: Throttle?
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
        public var probability = 1.0
        public var delay = Duration.milliseconds(100)
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
        public var probability = 1.0
        public var status = 503
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
        public var probability = 1.0
        public var after = ByteCount(0)
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
        public var probability = 1.0
        public var rate = ByteCount(64 << 10)
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
        public var probability = 1.0
        public var of = BodyDirection.response

        public init() {}

        public static let schema = Schema<Corrupt>(
            .optional("probability", \.probability, in: 0...1, "How many exchanges fare so, 1 being all."),
            .optional("of", \.of, "Whose bodies.")
        )
    }
}
