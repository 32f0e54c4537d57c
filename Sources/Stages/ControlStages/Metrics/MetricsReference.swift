import Instruments
public import Pipeline

extension MetricsFactory {
    public static let reference = StageReference(
        details: """
            Every stage is counted without it. This stage reports how much the pipeline is used to where a control plane looks: Amazon CloudWatch.
            """,
        example: """
            - metrics: { cloudwatch: { service: server } }
            """,
        metrics: Metrics.all,
        notes: [
            "What is counted can always be read at the admin listener, as Prometheus text."
        ])
}

extension MetricsFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let failures = MetricDescription(
            .counter, "fluidity_cloudwatch_failures_total", "Reports that CloudWatch didn't take.")

        static let all = [failures]
    }
}
