import Instruments
public import Pipeline

extension RespondFactory {
    public static let reference = StageReference(
        details: """
            A sink for checks of health, for tests, and for a place where nothing is to be reached.
            """,
        example: """
            - respond: { status: 404, body: "not here\\n" }
            """,
        metrics: Metrics.all)
}

extension RespondFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let answers = MetricDescription(.counter, "fluidity_respond_answers_total", "Answers that were given here.")

        static let all = [answers]
    }
}
