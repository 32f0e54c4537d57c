import Pipeline

/// What is counted of connections to origins on one loop.
final class FetchMeter {
    let open: Gauge
    let idle: Gauge
    let waiting: Gauge
    let dials: Counter
    let reused: Counter
    let retries: Counter
    private let table: MetricTable
    private let labels: [MetricTable.Label]

    init(on shard: Shard) {
        table = shard.metrics
        labels = shard.assembling?.labels ?? []
        open = table.gauge(
            "fluidity_fetch_connections_open", "Pooled connections to origins, those being opened included.", labels)
        idle = table.gauge("fluidity_fetch_connections_idle", "Pooled connections that wait for a request.", labels)
        waiting = table.gauge("fluidity_fetch_exchanges_waiting", "Exchanges that wait for a pooled connection.", labels)
        dials = table.counter("fluidity_fetch_dials_total", "Attempts to connect to an origin.", labels)
        reused = table.counter("fluidity_fetch_reused_total", "Requests that went over a connection used before.", labels)
        retries = table.counter(
            "fluidity_fetch_retries_total", "Requests sent once more because a connection used before was closed.", labels)
    }

    /// An origin could not be reached. Rare enough for a look-up by name.
    func failed(_ failure: Failure) {
        let reason = MetricTable.Label("reason", failure.code.name)
        table.counter(
            "fluidity_fetch_failures_total", "Exchanges whose origin could not be connected to, by the reason.",
            labels + [reason]
        ).add()
    }
}

@available(*, unavailable)
extension FetchMeter: Sendable {}
