import Instruments
public import Pipeline

extension AccessLogFactory {
    public static let reference = StageReference(
        details: """
            Stands where the exchanges pass that shall be logged: in front of `auth` it sees those that are refused too. Every line is
            written by a thread of its own, so that no exchange waits for a disk.

            With `verdicts` a line of JSON has a list of what every stage did with the exchange, those before this one included: `passed`, `changed`,
            `delayed`, `would-refuse`, `refused` or `answered`, with the file and line of the rule where one decided.

            `privacy` decides how much a line tells of people; queries, fields and bodies are never in it.
            """,
        example: """
            - access-log: { to: access.log, format: json, privacy: host }
            """,
        metrics: Metrics.all,
        notes: [
            "On SIGHUP the file is opened anew, so that it can be rotated."
        ])
}

extension AccessLogFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let lines = MetricDescription(.counter, "fluidity_access_log_lines_total", "Lines of the access log.")
        static let dropped = MetricDescription(
            .counter, "fluidity_access_log_dropped_total",
            "Lines that were left out: too many waited, or they couldn't be written.")

        static let all = [lines, dropped]
    }
}
