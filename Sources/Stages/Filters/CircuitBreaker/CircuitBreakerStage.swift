public import ConfigurationLanguage
import HTTPMessages
import Instruments
import Logging
import NIOCore
public import Pipeline

/// What `circuit-breaker` can be told.
public struct CircuitBreakerConfiguration: StageConfiguration {
    /// The rate of failures, among the exchanges of the window, that opens a circuit.
    public var rate = 0.5
    /// How many exchanges must have ended within the window before the rate counts.
    public var minimum = 20
    /// How far back exchanges count.
    public var window = Duration.seconds(30)
    /// How long an open circuit lets nothing through before it tries again.
    public var pause = Duration.seconds(30)
    /// How many exchanges are let through at once when it tries again, and how many successes close the circuit.
    public var probes = 1
    /// The statuses of responses that count as failures, beside origins that can't be reached or break off.
    public var statuses = [502, 503, 504]
    /// How many origins are remembered; the least used are forgotten.
    public var maxOrigins = 10_000
    /// Whether exchanges with an origin whose circuit is open are refused.
    public var mode = RefusalMode.enforce

    public init() {}

    public static let schema = Schema<CircuitBreakerConfiguration>(
        .optional("rate", \.rate, in: 0.01...1, "The rate of failures, among the exchanges of the window, that opens a circuit."),
        .optional(
            "minimum", \.minimum, in: 1...1_000_000, "Exchanges that must have ended within the window before the rate counts."),
        .optional("window", \.window, in: .milliseconds(100)...(.seconds(3_600)), "How far back exchanges count."),
        .optional(
            "pause", \.pause, in: .milliseconds(10)...(.seconds(3_600)),
            "How long an open circuit lets nothing through before it tries again."),
        .optional(
            "probes", \.probes, in: 1...1_000,
            "Exchanges let through at once when it tries again, and the successes that close the circuit."),
        .optional(
            "statuses", \.statuses,
            "Statuses of responses that count as failures, beside origins that can't be reached or break off."),
        .optional(
            "max-origins", \.maxOrigins, in: 2...1_000_000, "Origins that are remembered; the least used are forgotten."),
        .optional(
            "mode", \.mode,
            "'enforce' refuses, 'observe' only counts what it would refuse and lets it pass, to see what a rule does before it counts."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        guard let wrong = statuses.first(where: { !(400...599).contains($0) }) else { return [] }
        return [
            ConfigurationProblem(
                "\(wrong) is no status of a failure", key: "statuses", hint: "failures have statuses between 400 and 599")
        ]
    }

    var rules: CircuitBreaker.Rules {
        CircuitBreaker.Rules(
            rate: rate, minimum: minimum, window: TimeAmount(window), pause: TimeAmount(pause), probes: probes)
    }
}

/// Makes the stage `circuit-breaker`, and says what it is.
public struct CircuitBreakerFactory: StageFactory {
    public static let name = "circuit-breaker"
    public static let summary = "Stops asking an origin that keeps failing, for a while, and answers with 503 in its place."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func make(
        _ configuration: CircuitBreakerConfiguration, form: StageForm, context: StageContext
    ) throws -> any Stage {
        CircuitBreakerStage(configuration: configuration)
    }
}

/// Gives each exchange a gate, as long as its origin's circuit lets it pass. What is known of origins is shared by all loops.
struct CircuitBreakerStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    let statuses: Set<Int>
    let table: CircuitTable
    let mode: RefusalMode

    init(configuration: CircuitBreakerConfiguration) {
        statuses = Set(configuration.statuses)
        mode = configuration.mode
        table = CircuitTable(rules: configuration.rules, limit: configuration.maxOrigins)
    }

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        CircuitBreakerPort(stage: self, next: downstream, shard: shard)
    }
}

final class CircuitBreakerPort: ExchangePort {
    private let stage: CircuitBreakerStage
    private let next: any ExchangePort
    private let shard: Shard
    private let refused: Counter
    private let opened: Counter
    private let broken: Gauge

    init(stage: CircuitBreakerStage, next: any ExchangePort, shard: Shard) {
        self.stage = stage
        self.next = next
        self.shard = shard
        let labels = shard.assembling?.labels ?? []
        refused = shard.metrics.refusals(
            CircuitBreakerFactory.Metrics.refused, observed: CircuitBreakerFactory.Metrics.observed, labels, stage.mode)
        opened = shard.metrics.counter(CircuitBreakerFactory.Metrics.opened, labels)
        broken = shard.metrics.gauge(CircuitBreakerFactory.Metrics.broken, labels)
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        guard let origin = Self.origin(of: exchange.request) else { return next.open(exchange) }
        let (admission, change) = stage.table.admit(origin, now: .now())
        note(change, origin)
        switch admission {
        case .pass(let ticket):
            exchange.pass(CircuitBreakerGate(port: self, origin: origin, ticket: ticket), towards: next)
        case .refuse(let time):
            refused.add()
            let failure = Failure(.refused, "'\(origin)' has failed too often; it is asked again later")
            guard stage.mode == .enforce else {
                exchange.leave(Verdict(.wouldRefuse, note: failure.message))
                return next.open(exchange)
            }
            var response = LocalResponse(status: 503, body: failure.message + "\n", failure: failure)
            response.head.fields.append("Retry-After", "\(max(1, (time.nanoseconds + 999_999_999) / 1_000_000_000))")
            exchange.answer(response)
        }
    }

    /// Host and port, by which connections to origins are told apart. Nil for what is no host: the sink says what is wrong.
    static func origin(of request: RequestHead) -> String? {
        Authority(request.authority).map { origin($0, defaultPort: request.scheme.defaultPort) }
    }

    static func origin(_ authority: Authority, defaultPort: Int) -> String {
        let host = authority.host.lowercased()
        let port = authority.port ?? defaultPort
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    fileprivate func record(_ outcome: CircuitBreaker.Outcome, _ origin: String, _ ticket: CircuitBreaker.Ticket) {
        note(stage.table.record(outcome, origin, ticket, now: .now()), origin)
    }

    private func note(_ change: CircuitTable.Change, _ origin: String) {
        guard change != CircuitTable.Change() else { return }
        broken.add(Int64(change.broken))
        guard change.opened > 0 else { return }
        opened.add()
        shard.logger.warning("circuit opened", metadata: ["origin": "\(origin)"])
    }

    fileprivate func isFailure(_ status: Int) -> Bool { stage.statuses.contains(status) }
}

/// Reports what became of one exchange: at its response's head, or at its end if there was none. An answer that breaks off
/// later is a failure beside the success that its head was.
private final class CircuitBreakerGate: Gate {
    private let port: CircuitBreakerPort
    private let origin: String
    private let ticket: CircuitBreaker.Ticket
    private var isReported = false

    init(port: CircuitBreakerPort, origin: String, ticket: CircuitBreaker.Ticket) {
        self.port = port
        self.origin = origin
        self.ticket = ticket
        super.init(interests: [.responseHead, .end])
    }

    override func responseHead(_ head: inout ResponseHead, _ exchange: Exchange) -> GateDecision {
        // A stage that carries an exchange within this one passes on what was answered there, with the reason.
        guard !head.isInformational, exchange.failure == nil else { return .forward }
        report(port.isFailure(head.status) ? .failure : .success)
        return .forward
    }

    override func ended(_ exchange: Exchange) {
        let isOriginsFault = exchange.failure?.code.isOriginsFault ?? false
        if isOriginsFault { return report(.failure) }
        if !isReported { report(.neutral) }
    }

    private func report(_ outcome: CircuitBreaker.Outcome) {
        isReported = true
        port.record(outcome, origin, ticket)
    }
}

@available(*, unavailable)
extension CircuitBreakerPort: Sendable {}
