public import Logging

/// A stage in a list that is written in Swift: its factory and its configuration, and what it takes and yields there, which the
/// compiler checks.
public struct Step<Input: Medium, Output: Medium>: Sendable {
    fileprivate let name: String
    fileprivate let make: @Sendable (StageContext) throws -> any Stage

    /// - Parameters:
    ///   - factory: One that has the form from `Input` to `Output`.
    ///   - change: Sets what isn't to keep its default.
    public init<Factory: StageFactory>(
        _ factory: Factory, _ change: (inout Factory.Configuration) -> Void = { _ in }
    ) {
        var configuration = Factory.Configuration()
        change(&configuration)
        name = Factory.name
        make = { [configuration] context in
            let form = StageForm(Input.kind, Output.kind)
            guard Factory.forms.contains(form) else {
                throw StageError(
                    .configuration, "'\(Factory.name)' has no form that takes \(Input.kind.plural) and yields \(Output.kind.plural)"
                )
            }
            if let problem = configuration.validate().first(where: { !$0.isWarning }) {
                throw StageError(.configuration, "'\(Factory.name)': \(problem.message)", key: problem.key)
            }
            return try factory.make(configuration, form: form, context: context)
        }
    }
}

/// A stage that takes exchanges and passes them on.
public typealias Filter = Step<Exchange, Exchange>

/// The steps of a list so far.
public struct Steps<Output: Medium> {
    fileprivate var makers: [(name: String, make: @Sendable (StageContext) throws -> any Stage)]
}

/// Puts steps together, each of which takes what the one before yields.
@resultBuilder
public enum PlanBuilder {
    public static func buildPartialBlock<Output>(first step: Step<Start, Output>) -> Steps<Output> {
        Steps(makers: [(step.name, step.make)])
    }

    public static func buildPartialBlock<Middle, Output>(
        accumulated steps: Steps<Middle>, next step: Step<Middle, Output>
    ) -> Steps<Output> {
        Steps(makers: steps.makers + [(step.name, step.make)])
    }
}

extension Plan {
    /// A list in Swift code. One that doesn't begin with a source and end with a sink, or in which a stage doesn't take what the
    /// one before it yields, does not compile.
    ///
    ///     let plan = try Plan(host: .server, logger: logger) {
    ///         Step.accept(.tcp(host: "127.0.0.1", port: 8080))
    ///         Step.http()
    ///         Step.fetch()
    ///     }
    ///
    /// Throws what keeps a stage from being made, a `StageError` as a rule.
    public init(host: HostKind, logger: Logger, @PlanBuilder _ steps: () -> Steps<End>) throws {
        try self.init(
            folding: steps().makers.map { step in
                var logger = logger
                logger[metadataKey: "stage"] = "\(step.name)"
                return NamedStage(name: step.name, stage: try step.make(StageContext(logger: logger, host: host)))
            })
    }
}
