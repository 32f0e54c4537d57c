import Instruments
public import Pipeline

extension RateLimitFactory {
    public static let reference = StageReference(
        details: """
            Token buckets for requests and for bytes, and a bound on what is open at once: for everybody together, or for each client, identity or
            host. Requests beyond the limit are answered with 429, Retry-After and RateLimit fields; bytes are delayed, never dropped.
            """,
        example: """
            - rate-limit: { by: identity, requests: 600/m, burst: 100, concurrent: 64, download: 4MiB/s }
            """,
        metrics: Metrics.all,
        notes: [
            "Limits hold for all event loops of one process together, and are forgotten when it ends."
        ])
}

extension RateLimitFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let refused = MetricDescription(
            .counter, "fluidity_rate_limit_refused_total", "Exchanges that 'rate-limit' refused.", labels: ["limit"])
        static let delays = MetricDescription(
            .counter, "fluidity_rate_limit_delays_total", "How often 'rate-limit' held bytes back for a while.")

        static let observed = MetricDescription(
            .counter, "fluidity_rate_limit_observed_total",
            "Exchanges that 'rate-limit' would have refused if its mode were 'enforce'.", labels: ["limit"])

        static let all = [refused, delays, observed]
    }
}
