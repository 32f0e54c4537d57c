public import Logging

extension Plan {
    /// A list in Swift code. One that doesn't begin with a source and end with a sink, or in which a stage doesn't take what the
    /// one before it yields, does not compile.
    ///
    ///     let plan = try Plan(host: .server, logger: logger) {
    ///         Step.accept(.tcp(host: "127.0.0.1", port: 8080))
    ///         Step.http()
    ///         Step.rateLimit(by: .client) { $0.requests = Rate(100, per: .second) }
    ///         Step.fetch()
    ///     }
    ///
    /// Configurations are checked as those of a file are: keys by themselves, and each stage among its neighbours. What a file
    /// would be refused for is thrown as a `StageError` with the code `configuration` and the key at fault; what it would be
    /// warned of is a warning in the log.
    ///
    /// - Parameters:
    ///   - host: What the plan is run as: stages that listen don't run in a Lambda function, say.
    ///   - logger: Each stage's log lines go there, with its name as `stage`.
    /// - Throws: A `StageError` for what keeps a stage from being made, and whatever the list itself throws.
    public init(host: HostKind, logger: Logger, @PlanBuilder _ steps: () throws -> Steps<End>) throws {
        try self.init(folding: ListedStep.make(try steps().list, StageContext(logger: logger, host: host)))
    }
}
