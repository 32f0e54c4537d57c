import Instruments
public import Pipeline

extension FaultFactory {
    public static let reference = StageReference(
        details: """
            Disturbs exchanges by probability, to see how clients and the stages around it bear it. For tests and development.
            """,
        example: """
            - fault: { hosts: ["*.example.com"], latency: { delay: 5ms, jitter: 5ms } }
            """,
        metrics: Metrics.all,
        notes: [
            "It is never of use in production."
        ])
}

extension FaultFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let injected = MetricDescription(
            .counter, "fluidity_fault_injected_total", "Faults that were injected.", labels: ["fault"])

        static let all = [injected]
    }
}
