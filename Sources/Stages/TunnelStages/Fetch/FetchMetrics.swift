import Instruments

extension FetchFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let open = MetricDescription(
            .gauge, "fluidity_fetch_connections_open", "Pooled connections to origins, those being opened included.")
        static let idle = MetricDescription(
            .gauge, "fluidity_fetch_connections_idle", "Pooled connections that wait for a request.")
        static let waiting = MetricDescription(
            .gauge, "fluidity_fetch_exchanges_waiting", "Exchanges that wait for a pooled connection.")
        static let dials = MetricDescription(.counter, "fluidity_fetch_dials_total", "Attempts to connect to an origin.")
        static let reused = MetricDescription(
            .counter, "fluidity_fetch_reused_total", "Requests that went over a connection used before.")
        static let retries = MetricDescription(
            .counter, "fluidity_fetch_retries_total", "Requests sent once more because a connection used before was closed.")
        static let givenUp = MetricDescription(
            .counter, "fluidity_fetch_given_up_total",
            "Idle connections that were closed before their time: for others, for want of file descriptors, or with their generation."
        )
        static let failures = MetricDescription(
            .counter, "fluidity_fetch_failures_total",
            "Exchanges whose origin could not be connected to, by the reason.", labels: ["reason"])

        static let namesAsked = MetricDescription(
            .counter, "fluidity_fetch_names_asked_total", "Dials for which a name had to be looked up, or was being looked up.")
        static let namesKnown = MetricDescription(
            .counter, "fluidity_fetch_names_known_total", "Dials whose name had been looked up before.")
        static let namesWaiting = MetricDescription(
            .gauge, "fluidity_fetch_names_waiting", "Exchanges that wait for the addresses of a name.")
        static let namesFailed = MetricDescription(
            .counter, "fluidity_fetch_name_failures_total", "Exchanges whose name led to no address, by the reason.",
            labels: ["reason"])

        static let all = [
            open, idle, waiting, dials, reused, retries, givenUp, failures, namesAsked, namesKnown, namesWaiting, namesFailed,
        ]
    }
}
