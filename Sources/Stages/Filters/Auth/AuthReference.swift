import Instruments
public import Pipeline

extension AuthFactory {
    public static let reference = StageReference(
        details: """
            Finds out who each exchange is from, by the first of its methods that succeeds. Stages after it, limits, rules and logs go by that
            identity. Who can't prove who they are get 407 from a proxy or 401 from an origin; wrong credentials are answered late.
            """,
        example: """
            - auth:
                methods:
                  - client-certificate: { allow: ["cn:*"] }
                  - api-key: { header: X-Api-Key, keys: [{ name: robot, key: "${env:ROBOT_KEY:-example-of-a-long-key}" }] }
            """,
        metrics: Metrics.all,
        notes: [
            "What a client says to prove who it is goes no further: the fields are taken out, also with `mode: observe`.",
            "A client that sends wrong credentials, by its address or certificate, waits behind all others; beyond eight that are being verified or answered late it gets 503 with `Retry-After`.",
        ])
}

extension AuthFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let accepted = MetricDescription(
            .counter, "fluidity_auth_accepted_total", "Exchanges that 'auth' let through, by method.", labels: ["method"])
        static let refused = MetricDescription(
            .counter, "fluidity_auth_refused_total",
            "Exchanges that 'auth' refused: without credentials, with wrong ones, denied by a list, or not to be checked now.",
            labels: ["reason"])
        static let observed = MetricDescription(
            .counter, "fluidity_auth_observed_total",
            "Exchanges that 'auth' would have refused if its mode were 'enforce', by the reason.", labels: ["reason"])
        static let heldBack = MetricDescription(
            .gauge, "fluidity_auth_held_back", "Answers to wrong credentials that are being held back.")

        static let all = [accepted, refused, observed, heldBack]
    }
}
