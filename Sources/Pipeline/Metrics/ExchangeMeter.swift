/// How an exchange ended.
enum ExchangeOutcome: String, CaseIterable {
    /// With a whole response, the sink's or one that was made here.
    case completed
    /// A stage answered in place of those after it.
    case refused
    /// Whoever was to answer couldn't.
    case failed
    /// Whoever asked didn't wait.
    case cancelled
}

/// Counters of how exchanges ended. Confined to its shard's loop.
struct OutcomeCounters {
    private let counters: [Counter]

    init(_ name: String, _ help: String, _ labels: [MetricTable.Label], in table: MetricTable) {
        counters = ExchangeOutcome.allCases.map {
            table.counter(name, help, labels + [.init("outcome", $0.rawValue)])
        }
    }

    func add(_ outcome: ExchangeOutcome) {
        switch outcome {
        case .completed: counters[0].add()
        case .refused: counters[1].add()
        case .failed: counters[2].add()
        case .cancelled: counters[3].add()
        }
    }
}

/// What is counted of the exchanges that reach one stage. Confined to its shard's loop.
final class StageMeter {
    /// The stage's place in its list, from 0.
    let index: Int
    /// The meter of the stage before, where that takes exchanges too.
    var previous: StageMeter?
    let entered: Counter
    let passed: Counter
    let ended: OutcomeCounters
    let open: Gauge
    let requestBytes: Counter
    let responseBytes: Counter
    let time: Histogram

    /// In nanoseconds: from what a decision takes to what a tunnel lasts.
    static let timeBounds: [Int64] = [
        50_000, 100_000, 250_000, 1_000_000, 2_500_000, 10_000_000, 25_000_000, 100_000_000, 250_000_000, 1_000_000_000,
        2_500_000_000, 10_000_000_000, 60_000_000_000, 600_000_000_000,
    ]

    init(_ place: StagePlace, in table: MetricTable) {
        index = place.index
        let labels = place.labels
        entered = table.counter("fluidity_stage_exchanges_in_total", "Exchanges that reached the stage.", labels)
        passed = table.counter("fluidity_stage_exchanges_out_total", "Exchanges that the stage passed on.", labels)
        ended = OutcomeCounters(
            "fluidity_stage_exchanges_ended_total", "Exchanges that ended at the stage, by how they ended.", labels, in: table)
        open = table.gauge("fluidity_stage_exchanges_open", "Exchanges that reached the stage and have not ended.", labels)
        requestBytes = table.counter(
            "fluidity_stage_request_bytes_total", "Body bytes of requests, and of tunnels, that reached the stage.", labels)
        responseBytes = table.counter(
            "fluidity_stage_response_bytes_total", "Body bytes of responses, and of tunnels, that left the stage.", labels)
        time = table.histogram(
            "fluidity_stage_time_seconds",
            "How long an exchange was at the stage: until it was passed on, or until it ended there.", labels,
            bounds: Self.timeBounds, scale: 1e-9)
    }
}

@available(*, unavailable)
extension StageMeter: Sendable {}

/// What is counted of all exchanges of one shard. Confined to its loop.
final class ExchangeMeter {
    let begun: Counter
    let open: Gauge
    let ended: OutcomeCounters
    let requestBytes: Counter
    let responseBytes: Counter
    let duration: Histogram
    private let table: MetricTable
    private var failures: [Failure.Code: Counter] = [:]

    init(in table: MetricTable) {
        self.table = table
        begun = table.counter("fluidity_exchanges_begun_total", "Exchanges that began.")
        open = table.gauge("fluidity_exchanges_open", "Exchanges that have begun and not ended.")
        ended = OutcomeCounters("fluidity_exchanges_ended_total", "Exchanges that ended, by how they ended.", [], in: table)
        requestBytes = table.counter("fluidity_exchange_request_bytes_total", "Body bytes that clients sent.")
        responseBytes = table.counter("fluidity_exchange_response_bytes_total", "Body bytes that were sent to clients.")
        duration = table.histogram(
            "fluidity_exchange_duration_seconds", "How long exchanges took, from the request's head to the end of both.",
            bounds: StageMeter.timeBounds, scale: 1e-9)
    }

    func failed(_ failure: Failure) {
        if let counter = failures[failure.code] { return counter.add() }
        let counter = table.counter(
            "fluidity_exchange_failures_total", "Exchanges that ended before their end, by the reason.",
            [.init("reason", failure.code.name)])
        failures[failure.code] = counter
        counter.add()
    }
}

@available(*, unavailable)
extension ExchangeMeter: Sendable {}
