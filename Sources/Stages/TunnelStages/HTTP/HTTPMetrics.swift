import Instruments

extension HTTPFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let open = MetricDescription(.gauge, "fluidity_http_connections_open", "Clients' connections that are open.")
        static let connections = MetricDescription(.counter, "fluidity_http_connections_total", "Clients' connections.")
        static let malformed = MetricDescription(
            .counter, "fluidity_http_refused_total", "Requests that were refused before they became an exchange.")
        static let responses = MetricDescription(
            .counter, "fluidity_http_responses_total",
            "Final responses to clients, by the class of their status.", labels: ["class"])

        static let all = [open, connections, malformed, responses]
    }
}
