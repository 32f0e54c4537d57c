public import Pipeline

extension MetricsFactory {
    public static let reference = StageReference(
        details: """
            Every stage is counted without it. This stage reports how much the pipeline is used to where a control plane looks: Amazon CloudWatch.
            """,
        example: """
            - metrics
            """,
        notes: [
            "What is counted can always be read at the admin listener, as Prometheus text."
        ])
}
