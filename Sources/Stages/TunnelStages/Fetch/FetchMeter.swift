import HTTPMessages
import Instruments
import Pipeline

/// What is counted of connections to origins on one loop.
final class FetchMeter {
    let open: Gauge
    let idle: Gauge
    let waiting: Gauge
    let dials: Counter
    let reused: Counter
    let retries: Counter
    let givenUp: Counter
    private let table: MetricTable
    private let labels: [MetricTable.Label]

    init(on shard: Shard) {
        table = shard.metrics
        labels = shard.assembling?.labels ?? []
        open = table.gauge(FetchFactory.Metrics.open, labels)
        idle = table.gauge(FetchFactory.Metrics.idle, labels)
        waiting = table.gauge(FetchFactory.Metrics.waiting, labels)
        dials = table.counter(FetchFactory.Metrics.dials, labels)
        reused = table.counter(FetchFactory.Metrics.reused, labels)
        retries = table.counter(FetchFactory.Metrics.retries, labels)
        givenUp = table.counter(FetchFactory.Metrics.givenUp, labels)
        // Those that are to be expected are there from the beginning, for whoever asks how they grow.
        for reason in Failure.Reason.allCases where reason.isOriginsFault {
            _ = table.counter(FetchFactory.Metrics.failures, labels + [.init("reason", reason.name)])
        }
    }

    /// An origin could not be reached. Rare enough for a look-up by name.
    func failed(_ failure: Failure) {
        let reason = MetricTable.Label("reason", failure.code.name)
        table.counter(FetchFactory.Metrics.failures, labels + [reason]).add()
    }
}

@available(*, unavailable)
extension FetchMeter: Sendable {}
