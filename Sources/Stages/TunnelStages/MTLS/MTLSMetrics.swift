import Instruments
import Pipeline

extension MTLSFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let handshakes = MetricDescription(
            .counter, "fluidity_mtls_handshakes_total", "Handshakes, by whether the peer was taken.", labels: ["result"])
        static let expiry = MetricDescription(
            .gauge, "fluidity_mtls_certificate_expiry_timestamp_seconds",
            "When the first of the certificate and its issuers expires, in seconds of the Unix epoch.")

        static let all = [handshakes, expiry]
        static let handshake = HandshakeMetrics(handshakes: handshakes, expiry: expiry)
    }
}
