import Instruments
public import Pipeline

extension MetricsFactory {
    public static let reference = StageReference(
        details: """
            Every stage is counted without it. This stage reports how much the pipeline is used to where a control plane looks: Amazon CloudWatch.

            In a task of ECS it also has the last word on whether the task is stopped as unused. While anything passes, and for `quiet` after that,
            the task is protected (task scale-in protection). What begins after that waits until it is protected anew, for `hold` at most; if the
            service wants no task any more, it is given back to its agent, which wakes another server. Where the task can't be protected, a tag of
            the service says that it is in use.
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

        static let isProtected = MetricDescription(
            .gauge, "fluidity_task_protected", "1 while the task is protected from being stopped as unused, else 0.")
        static let protectionFailures = MetricDescription(
            .counter, "fluidity_task_protection_failures_total",
            "Wishes to protect the task, or no longer to, that came to nothing.")

        static let all = [failures, isProtected, protectionFailures]
    }
}
