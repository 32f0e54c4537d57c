import Instruments

extension AcceptFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let accepted = MetricDescription(
            .counter, "fluidity_accept_connections_total", "Connections that were accepted.")
        static let refused = MetricDescription(
            .counter, "fluidity_accept_connections_refused_total",
            "Connections that were closed as soon as they were accepted.")
        static let open = MetricDescription(.gauge, "fluidity_accept_connections_open", "Connections that are open.")
        static let strangers = MetricDescription(
            .gauge, "fluidity_accept_strangers_open", "Connections that are open and aren't known to be anybody's.")
        static let gaveWay = MetricDescription(
            .counter, "fluidity_accept_strangers_closed_total",
            "Connections that were nobody's after their first moments and were closed for others.")

        static let all = [accepted, refused, open, strangers, gaveWay]
    }
}
