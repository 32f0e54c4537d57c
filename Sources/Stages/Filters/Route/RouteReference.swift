import Instruments
public import Pipeline

extension RouteFactory {
    public static let reference = StageReference(
        details: """
            The last stage of a list that has several ways out. Each branch has a name, conditions (`when`) and stages, which are written and
            checked as those below `pipeline` are: they begin with what takes exchanges and end with a sink. The first branch whose conditions
            all hold takes an exchange; one without conditions takes all that come to it. What none takes is answered with 403.

            A branch may end in a `route` itself. Its branches are called `outer/inner` then.

            Paths lead into branches by their names: `--set pipeline.route.branches.abroad.stages.connect.to=…`, or the variable
            `FLUIDITY_PIPELINE_ROUTE_BRANCHES_ABROAD_STAGES_CONNECT_TO`.
            """,
        example: """
            - route:
                branches:
                  - name: intranet
                    when: { hosts: ["*.corp.example"], networks: [10.0.0.0/8] }
                    stages:
                      - respond: { status: 404 }
                  - name: everything-else
                    stages:
                      - retry
                      - respond: { status: 204 }
            """,
        metrics: Metrics.all,
        notes: [
            "All conditions of a branch must hold. For 'one of these names or one of these networks', write two branches.",
            "`networks` is about hosts that are written as addresses: names aren't resolved to choose a branch. As in a rule of `egress` that allows, dialling the address must reach nothing outside.",
            "The metrics of stages in a branch have places such as `3.intranet.1`.",
        ])

    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let taken = MetricDescription(
            .counter, "fluidity_route_exchanges_total", "Exchanges that a branch of 'route' took, by the branch.", labels: ["route"]
        )
        static let unmatched = MetricDescription(
            .counter, "fluidity_route_unmatched_total", "Exchanges that no branch of 'route' is for.")

        static let observed = MetricDescription(
            .counter, "fluidity_route_observed_total",
            "Exchanges that no branch of 'route' is for, and that went by the last one because its mode is 'observe'.")

        static let all = [taken, unmatched, observed]
    }
}
