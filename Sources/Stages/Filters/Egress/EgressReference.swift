import Instruments
public import Pipeline

extension EgressFactory {
    public static let reference = StageReference(
        details: """
            Rules in their order; the first that fits an exchange decides. All conditions of a rule must hold, and of each any entry. Who is
            refused gets 403 with the line of the rule.

            With `mode: observe` nobody is refused: see which exchanges would be in the log of `access-log` with `verdicts`.

            On the server, in front of `fetch`, rules can also go by the address that a name leads to.
            """,
        example: """
            - egress:
                rules:
                  - deny: { hosts: ["*.internal.example"] }
                  - allow: { hosts: ["*.example.com", example.com], ports: [80, 443] }
                otherwise: allow
            """,
        metrics: Metrics.all)
}

extension EgressFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let denied = MetricDescription(
            .counter, "fluidity_egress_denied_total", "Exchanges that the rules of 'egress' refused.")

        static let observed = MetricDescription(
            .counter, "fluidity_egress_observed_total",
            "Exchanges that the rules of 'egress' would have refused if its mode were 'enforce'.")

        static let all = [denied, observed]
    }
}
