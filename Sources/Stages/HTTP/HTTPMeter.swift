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
        open = shard.metrics.gauge("fluidity_http_connections_open", "Clients' connections that are open.", labels)
        connections = shard.metrics.counter("fluidity_http_connections_total", "Clients' connections.", labels)
        malformed = shard.metrics.counter(
            "fluidity_http_refused_total", "Requests that were refused before they became an exchange.", labels)
        responses = (1...5).map {
            shard.metrics.counter(
                "fluidity_http_responses_total", "Final responses to clients, by the class of their status.",
                labels + [.init("class", "\($0)xx")])
        }
    }

    func responded(_ status: Int) { responses[max(0, min(4, status / 100 - 1))].add() }
}

@available(*, unavailable)
extension HTTPMeter: Sendable {}
