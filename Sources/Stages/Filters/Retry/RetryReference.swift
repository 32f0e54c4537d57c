import Instruments
public import Pipeline

extension RetryFactory {
    public static let reference = StageReference(
        details: """
            Sends a request again when there was no response to it, or one with a status that says that it may be tried again. Only
            idempotent methods, only before a response's head has gone out, and only while a budget lasts.
            """,
        example: """
            - retry: { attempts: 3, statuses: [502, 503] }
            """,
        metrics: Metrics.all,
        notes: [
            "A request whose body is larger than `body` is sent once."
        ])
}

extension RetryFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let attempts = MetricDescription(.counter, "fluidity_retry_attempts_total", "Requests that were sent again.")
        static let exhausted = MetricDescription(
            .counter, "fluidity_retry_exhausted_total", "Requests whose last attempt failed like those before.")
        static let unaffordable = MetricDescription(
            .counter, "fluidity_retry_unaffordable_total", "Retries that the budget did not allow.")

        static let all = [attempts, exhausted, unaffordable]
    }
}
