import HTTPMessages
import Instruments
import Names
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
    let namesAsked: Counter
    let namesKnown: Counter
    let namesWaiting: Gauge
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
        namesAsked = table.counter(FetchFactory.Metrics.namesAsked, labels)
        namesKnown = table.counter(FetchFactory.Metrics.namesKnown, labels)
        namesWaiting = table.gauge(FetchFactory.Metrics.namesWaiting, labels)
        for failure in NameFailure.allCases {
            _ = table.counter(FetchFactory.Metrics.namesFailed, labels + [.init("reason", failure.name)])
        }
        // Those that are to be expected are there from the beginning, for whoever asks how they grow.
        for reason in Failure.Reason.allCases where reason.isOriginsFault {
            _ = table.counter(FetchFactory.Metrics.failures, labels + [.init("reason", reason.name)])
        }
    }

    /// A name had no address. Rare enough for a look-up by name.
    func failed(_ failure: NameFailure) {
        table.counter(FetchFactory.Metrics.namesFailed, labels + [MetricTable.Label("reason", failure.name)]).add()
    }

    /// An origin could not be reached. Rare enough for a look-up by name.
    func failed(_ failure: Failure) {
        let reason = MetricTable.Label("reason", failure.code.name)
        table.counter(FetchFactory.Metrics.failures, labels + [reason]).add()
    }
}

@available(*, unavailable)
extension FetchMeter: Sendable {}
