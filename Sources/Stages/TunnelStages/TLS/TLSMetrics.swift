import Instruments
import Pipeline

extension TLSFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let handshakes = MetricDescription(
            .counter, "fluidity_tls_handshakes_total", "Handshakes of ordinary TLS, by whether they succeeded.", labels: ["result"])
        static let expiry = MetricDescription(
            .gauge, "fluidity_tls_certificate_expiry_timestamp_seconds",
            "When the first certificate of the own chain expires, in seconds of the Unix epoch.")

        static let all = [handshakes, expiry]
        static let handshake = HandshakeMetrics(handshakes: handshakes, expiry: expiry)
    }
}
