import ConfigurationLanguage
import Logging

/// A stage in a list that is written in Swift: its factory and its configuration, and what it takes and yields there, which the
/// compiler checks.
///
/// The stages that come with the program have a step each, `Step.http()` say, in the module `Stages`. One of your own is put into
/// a list by its factory, or gets a step in an extension like those:
///
///     extension Step where Input == Exchange, Output == Exchange {
///         public static func greeting(_ text: String) -> Step { Step(GreetingFactory()) { $0.text = text } }
///     }
public struct Step<Input: Medium, Output: Medium>: Sendable {
    let listed: ListedStep

    /// - Parameters:
    ///   - factory: One that has the form from `Input` to `Output`.
    ///   - configuration: What a file would set. It is checked when the plan is made, like a file is.
    public init<Factory: StageFactory>(_ factory: Factory, _ configuration: Factory.Configuration) {
        listed = ListedStep(factory, configuration, form: StageForm(Input.kind, Output.kind))
    }

    /// - Parameters:
    ///   - factory: One that has the form from `Input` to `Output`.
    ///   - change: Sets what isn't to keep its default.
    public init<Factory: StageFactory>(
        _ factory: Factory, _ change: (inout Factory.Configuration) -> Void = { _ in }
    ) {
        var configuration = Factory.Configuration()
        change(&configuration)
        self.init(factory, configuration)
    }
}

/// A stage that takes exchanges and passes them on.
public typealias Filter = Step<Exchange, Exchange>

/// A step without its types.
struct ListedStep: Sendable {
    private(set) var neighbour: StageSurroundings.Neighbour
    let configuration: any StageConfiguration
    private let needs: HostNeeds
    private let forms: [StageForm]
    private let problems: @Sendable (StageSurroundings) -> [ConfigurationProblem]
    private let makeStage: @Sendable (StageContext) throws -> any Stage

    init<Factory: StageFactory>(_ factory: Factory, _ configuration: Factory.Configuration, form: StageForm) {
        neighbour = StageSurroundings.Neighbour(
            name: Factory.name, form: form, traits: Factory.traits, dials: (configuration as? any DiallingConfiguration)?.dials,
            listens: (configuration as? any ListeningConfiguration)?.listen)
        self.configuration = configuration
        needs = Factory.needs
        forms = Factory.forms
        problems = { surroundings in
            let own = configuration.check()
            return own.contains { !$0.isWarning } ? own : own + factory.problems(configuration, among: surroundings)
        }
        makeStage = { try factory.make(configuration, form: form, context: $0) }
        neighbour.branches = branches.map { $0.steps.map(\.neighbour) }
    }

    /// The lists of stages in its configuration.
    private var branches: [ConfiguredBranch] { (configuration as? any BranchingConfiguration)?.branchLists ?? [] }

    /// Makes the stages of a list, and those of their branches.
    /// - Parameter context: Where the list stands: its surroundings are those of the whole list.
    static func make(_ list: [ListedStep], _ context: StageContext) throws -> [ListedStage] {
        let neighbours = list.map(\.neighbour)
        return try list.enumerated().map { index, step in
            var own = context
            own.logger[metadataKey: "stage"] = "\(step.neighbour.name)"
            own.surroundings = StageSurroundings(
                before: context.surroundings.before + neighbours[..<index],
                after: neighbours[(index + 1)...] + context.surroundings.after)
            // To what is in a branch, the other branches are nothing.
            var owner = step.neighbour
            owner.branches = []
            own.branches = try step.branches.map { branch in
                var inner = context
                inner.logger[metadataKey: "branch"] = "\(branch.name)"
                inner.surroundings.before = own.surroundings.before + [owner]
                inner.surroundings.after = step.neighbour.form?.output == .end ? [] : own.surroundings.after
                return StageBranch(name: branch.name, stages: try make(branch.steps, inner))
            }
            return ListedStage(name: step.neighbour.name, stage: try step.make(own))
        }
    }

    /// Makes the stage. What a file's loader would warn of is a warning in the log; what it would refuse is thrown.
    private func make(_ context: StageContext) throws -> any Stage {
        let name = neighbour.name
        guard let form = neighbour.form, forms.contains(form) else {
            let (input, output) = (neighbour.form?.input ?? .start, neighbour.form?.output ?? .end)
            throw StageError(.configuration, "'\(name)' has no form that takes \(input.plural) and yields \(output.plural)")
        }
        guard context.host.offers.isSuperset(of: needs) else {
            throw StageError(.configuration, "'\(name)' can't run in the host '\(context.host.rawValue)'")
        }
        let problems = problems(context.surroundings)
        if let problem = problems.first(where: { !$0.isWarning }) {
            throw StageError(.configuration, "'\(name)': \(problem.sentence)", key: problem.key)
        }
        for problem in problems {
            context.logger.warning(
                "\(problem.message)", metadata: problem.hint.map { ["key": "\(problem.key ?? "-")", "hint": "\($0)"] })
        }
        return try makeStage(context)
    }
}

extension ConfigurationProblem {
    /// The message, with the hint behind it.
    fileprivate var sentence: String { hint.map { "\(message); \($0)" } ?? message }
}
