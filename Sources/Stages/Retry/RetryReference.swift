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
        metrics: [
            MetricDescription(
                .counter, "fluidity_retry_attempts_total",
                "Requests that were sent again."),
            MetricDescription(
                .counter, "fluidity_retry_exhausted_total",
                "Requests whose last attempt failed like those before."),
            MetricDescription(
                .counter, "fluidity_retry_unaffordable_total",
                "Retries that the budget did not allow."),
        ],
        notes: [
            "A request whose body is larger than `body` is sent once."
        ])
}
