import HTTPMessages
import Instruments

/// How an exchange ended.
enum ExchangeOutcome: String {
    /// With a whole response, the sink's or one that was made here.
    case completed
    /// A stage answered in place of those after it.
    case refused
    /// Whoever was to answer couldn't.
    case failed
    /// Whoever asked didn't wait.
    case cancelled
}

extension LocalResponse {
    /// How an exchange counts that ends with it.
    var outcome: ExchangeOutcome { head.status >= 500 ? .failed : head.status >= 400 ? .refused : .completed }
}

/// Counters of how exchanges ended. Confined to its shard's loop.
struct OutcomeCounters {
    private let completed, refused, failed, cancelled: Counter

    init(_ metric: MetricDescription, _ labels: [MetricTable.Label], in table: MetricTable) {
        func counter(_ outcome: ExchangeOutcome) -> Counter {
            table.counter(metric, labels + [.init("outcome", outcome.rawValue)])
        }
        completed = counter(.completed)
        refused = counter(.refused)
        failed = counter(.failed)
        cancelled = counter(.cancelled)
    }

    func add(_ outcome: ExchangeOutcome) {
        switch outcome {
        case .completed: completed.add()
        case .refused: refused.add()
        case .failed: failed.add()
        case .cancelled: cancelled.add()
        }
    }
}

/// What is counted of the exchanges that reach one stage. Confined to its shard's loop.
final class StageMeter {
    /// Where the stage stands.
    let place: StagePlace
    /// The stage's place in its list, from 0.
    let index: Int
    /// The meter of the stage before, where that takes exchanges too and is the same for all exchanges.
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
        self.place = place
        index = place.index
        let labels = place.labels
        entered = table.counter(StageMetrics.exchangesIn, labels)
        passed = table.counter(StageMetrics.exchangesOut, labels)
        ended = OutcomeCounters(StageMetrics.exchangesEnded, labels, in: table)
        open = table.gauge(StageMetrics.exchangesOpen, labels)
        requestBytes = table.counter(StageMetrics.requestBytes, labels)
        responseBytes = table.counter(StageMetrics.responseBytes, labels)
        time = table.histogram(
            StageMetrics.time, labels,
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
        begun = table.counter(ExchangeMetrics.begun)
        open = table.gauge(ExchangeMetrics.open)
        ended = OutcomeCounters(ExchangeMetrics.ended, [], in: table)
        requestBytes = table.counter(ExchangeMetrics.requestBytes)
        responseBytes = table.counter(ExchangeMetrics.responseBytes)
        duration = table.histogram(
            ExchangeMetrics.duration,
            bounds: StageMeter.timeBounds, scale: 1e-9)
    }

    func failed(_ failure: Failure) {
        if let counter = failures[failure.code] { return counter.add() }
        let counter = table.counter(
            ExchangeMetrics.failures,
            [.init("reason", failure.code.name)])
        failures[failure.code] = counter
        counter.add()
    }
}

@available(*, unavailable)
extension ExchangeMeter: Sendable {}
