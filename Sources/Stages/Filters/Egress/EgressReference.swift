import Instruments
public import Pipeline

extension EgressFactory {
    public static let reference = StageReference(
        details: """
            Rules in their order; the first that fits an exchange decides. All conditions of a rule must hold, and of each any entry. Who is
            refused gets 403 with the line of the rule.

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

        static let all = [denied]
    }
}
