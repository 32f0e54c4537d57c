import Instruments
public import Pipeline

extension CircuitBreakerFactory {
    public static let reference = StageReference(
        details: """
            Counts how exchanges with each origin end. Where too many fail, the origin's circuit opens: its exchanges are answered with 503
            and Retry-After, until some that are let through succeed again. Each origin has a circuit of its own, so that one bad site blocks
            no other.
            """,
        example: """
            - circuit-breaker: { rate: 0.5, window: 30s, pause: 10s }
            """,
        metrics: Metrics.all,
        notes: [
            "All event loops of a process count together, and what they know is forgotten when it ends."
        ])
}

extension CircuitBreakerFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let refused = MetricDescription(
            .counter, "fluidity_circuit_refused_total", "Exchanges answered with 503 because their origin's circuit was open.")
        static let opened = MetricDescription(.counter, "fluidity_circuit_opened_total", "Circuits that have opened.")
        static let broken = MetricDescription(
            .gauge, "fluidity_circuit_broken_origins", "Origins whose circuit is open or half-open.")

        static let observed = MetricDescription(
            .counter, "fluidity_circuit_observed_total",
            "Exchanges that would have been answered with 503, had the mode of 'circuit-breaker' been 'enforce'.")

        static let all = [refused, opened, broken, observed]
    }
}
