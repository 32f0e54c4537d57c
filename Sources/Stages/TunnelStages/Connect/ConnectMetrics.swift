import Instruments

extension ConnectFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let up = MetricDescription(.gauge, "fluidity_connect_connections_up", "Connections to the server that are up.")
        static let dials = MetricDescription(.counter, "fluidity_connect_dials_total", "Attempts to connect to the server.")
        static let failures = MetricDescription(
            .counter, "fluidity_connect_failures_total", "Attempts that failed, in connecting, TLS or the first frames.")
        static let losses = MetricDescription(
            .counter, "fluidity_connect_losses_total", "Connections that had been up and ended, or were to end.")
        static let reconnects = MetricDescription(
            .counter, "fluidity_connect_reconnects_total", "Connections that came up after one before them had ended.")

        static let all = [up, dials, failures, losses, reconnects]
    }
}
