public import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
public import Pipeline

/// What `retry` can be told.
public struct RetryConfiguration: StageConfiguration {
    /// How often a request is sent at most, the first time included.
    public var attempts = 3
    /// The statuses of responses after which a request is sent again.
    public var statuses = [502, 503, 504]
    /// Whether a request is sent again when there was no response: no connection, or one that was lost.
    public var failures = true
    /// How many bytes of a request's body are kept to be sent again; a request with a longer one is sent once.
    public var body = ByteCount(64 << 10)
    /// How long to wait before the second attempt; twice as long before each further one, half of it by chance.
    public var delay = Duration.milliseconds(50)
    /// The longest wait; a response that asks for a longer one with Retry-After is passed on.
    public var maxDelay = Duration.seconds(2)
    /// How many retries there may be for each request, in the long run, on each event loop.
    public var ratio = 0.2
    /// How many retries there may be beyond the ratio, at once, on each event loop.
    public var burst = 10

    public init() {}

    public static let schema = Schema<RetryConfiguration>(
        .optional("attempts", \.attempts, in: 2...10, "How often a request is sent at most, the first time included."),
        .optional("statuses", \.statuses, "Statuses of responses after which a request is sent again."),
        .optional(
            "failures", \.failures,
            "Whether a request is sent again when there was no response: no connection, or one that was lost."),
        .optional(
            "body", \.body, in: ByteCount(0)...ByteCount(16 << 20),
            "How much of a request's body is kept to be sent again. A request with a longer one is sent once."),
        .optional(
            "delay", \.delay, in: .milliseconds(1)...(.seconds(60)),
            "How long to wait before the second attempt; twice as long before each further one. Half of it is by chance."),
        .optional(
            "max-delay", \.maxDelay, in: .milliseconds(1)...(.seconds(600)),
            "The longest wait. A response that asks for a longer one with Retry-After is passed on."),
        .optional("ratio", \.ratio, in: 0...1, "Retries for each request, in the long run."),
        .optional("burst", \.burst, in: 1...10_000, "Retries beyond the ratio, at once. Both count on each event loop.")
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if let wrong = statuses.first(where: { !(400...599).contains($0) }) {
            problems.append(
                ConfigurationProblem(
                    "\(wrong) is no status of a failure", key: "statuses", hint: "failures have statuses between 400 and 599"))
        }
        if delay > maxDelay { problems.append(ConfigurationProblem("'delay' is longer than 'max-delay'", key: "delay")) }
        if statuses.isEmpty, !failures {
            problems.append(
                ConfigurationProblem(
                    "nothing is retried", key: "failures", hint: "set 'failures' to true, or name 'statuses'"))
        }
        return problems
    }
}

/// Makes the stage `retry`, and says what it is.
public struct RetryFactory: StageFactory {
    public static let name = "retry"
    public static let summary = "Sends an idempotent request again when there is no response to it, or one that says try again."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func make(_ configuration: RetryConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        RetryStage(configuration: configuration)
    }
}

/// Carries each idempotent request on as attempts, exchanges within its own.
struct RetryStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    let configuration: RetryConfiguration

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        RetryPort(configuration: configuration, next: downstream, shard: shard)
    }
}

final class RetryPort: ExchangePort {
    let configuration: RetryConfiguration
    let next: any ExchangePort
    let statuses: Set<Int>
    let retries: Counter
    let exhausted: Counter
    let unaffordable: Counter
    private var budget: RetryBudget

    init(configuration: RetryConfiguration, next: any ExchangePort, shard: Shard) {
        self.configuration = configuration
        self.next = next
        statuses = Set(configuration.statuses)
        budget = RetryBudget(ratio: configuration.ratio, burst: configuration.burst)
        let labels = shard.assembling?.labels ?? []
        retries = shard.metrics.counter(RetryFactory.Metrics.attempts, labels)
        exhausted = shard.metrics.counter(RetryFactory.Metrics.exhausted, labels)
        unaffordable = shard.metrics.counter(RetryFactory.Metrics.unaffordable, labels)
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        let request = exchange.request
        guard request.kind == .plain, Self.idempotentMethods.contains(request.method) else { return next.open(exchange) }
        budget.request()
        RetryRelay(exchange, port: self).begin(request, towards: next)
    }

    /// RFC 9110, 9.2.2.
    private static let idempotentMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]

    func withdraw() -> Bool {
        if budget.withdraw() { return true }
        unaffordable.add()
        return false
    }
}

@available(*, unavailable)
extension RetryPort: Sendable {}
