import Instruments
import NIOCore
import Pipeline

/// What is counted of HTTP with clients on one loop.
final class HTTPMeter {
    let open: Gauge
    let connections: Counter
    let malformed: Counter
    private let responses: [Counter]

    init(on shard: Shard) {
        let labels = shard.assembling?.labels ?? []
        open = shard.metrics.gauge(HTTPFactory.Metrics.open, labels)
        connections = shard.metrics.counter(HTTPFactory.Metrics.connections, labels)
        malformed = shard.metrics.counter(HTTPFactory.Metrics.malformed, labels)
        responses = (1...5).map {
            shard.metrics.counter(
                HTTPFactory.Metrics.responses,
                labels + [.init("class", "\($0)xx")])
        }
    }

    func responded(_ status: Int) { responses[max(0, min(4, status / 100 - 1))].add() }
}

@available(*, unavailable)
extension HTTPMeter: Sendable {}
