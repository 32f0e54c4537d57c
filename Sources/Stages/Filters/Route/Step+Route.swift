import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == End {
    /// Has branches, of which the first whose conditions hold takes an exchange.
    ///
    ///     Step.route(
    ///         RouteBranch("intranet", when: .init(hosts: ["*.corp.example"])) { Step.fetch() },
    ///         RouteBranch("rest") { Step.respond { $0.status = 404 } })
    public static func route(_ branches: RouteBranch...) -> Step {
        Step(RouteFactory()) { $0.branches = branches }
    }
}
