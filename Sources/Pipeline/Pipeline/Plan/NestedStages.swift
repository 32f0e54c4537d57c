public import ConfigurationLanguage

/// A list of stages as the value of another stage's key: a branch of `route`, a way in of `entrances`. It takes `Input` and yields `Output`.
///
/// In a file it is written and checked as the list below `pipeline` is. The stage's context has the stages, made already.
public struct NestedStages<Input: Medium, Output: Medium>: ConfigurationValue, Equatable {
    /// The stages of a list that was written in Swift; none of one that was read.
    let steps: [ListedStep]
    private let entries: [NestedEntry]

    /// A list without stages, as a placeholder.
    public init() {
        steps = []
        entries = []
    }

    init(steps: [ListedStep]) {
        self.steps = steps
        entries = steps.map { NestedEntry(name: $0.neighbour.name, configuration: $0.configuration) }
    }

    private init(entries: [NestedEntry]) {
        steps = []
        self.entries = entries
    }

    public static var typeDescription: String { "a list of stages" }
    public static var shape: ValueShape { .stages }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> NestedStages? {
        guard let reader = context.companion as? any NestedStagesReader else {
            context.reject(node, wanted: "no list of stages in this place")
            return nil
        }
        return NestedStages(entries: reader.read(node, label: context.label, from: Input.kind, to: Output.kind))
    }

    public var printed: String { "[\(entries.map(\.printed).joined(separator: ", "))]" }

    public static func == (left: NestedStages, right: NestedStages) -> Bool { left.entries == right.entries }
}

/// A stage of a list within a configuration, as far as the configuration's value goes.
struct NestedEntry: Sendable, Equatable {
    var name: String
    var configuration: any StageConfiguration

    var printed: String {
        let keys = configuration.describe().map { "\($0.key): \($0.value)" }
        return keys.isEmpty ? name : "{ \(name): { \(keys.joined(separator: ", ")) } }"
    }

    static func == (left: NestedEntry, right: NestedEntry) -> Bool {
        left.name == right.name && left.configuration.isEqual(to: right.configuration)
    }
}

/// Reads lists within a stage's configuration. What is wrong in them is told by whoever reads the whole file, and keeps nobody from reading
/// on.
protocol NestedStagesReader: AnyObject {
    /// The stages whose keys could be read.
    /// - Parameter label: The key that has the list, for messages.
    func read(_ node: ConfigurationNode, label: String, from input: MediumKind, to output: MediumKind) -> [NestedEntry]
}

/// A stage's configuration that has lists of stages.
public protocol BranchingConfiguration: StageConfiguration {
    /// The lists, in the order in which the schema reads them.
    var branchLists: [ConfiguredBranch] { get }
}

/// A list of stages within a configuration, with its name.
public struct ConfiguredBranch: Sendable {
    /// What it is called.
    public let name: String
    let steps: [ListedStep]

    /// A list under a name.
    public init<Input: Medium, Output: Medium>(name: String, stages: NestedStages<Input, Output>) {
        self.name = name
        steps = stages.steps
    }
}

extension StageConfiguration {
    /// Whether it has the other's type and value.
    func isEqual(to other: any StageConfiguration) -> Bool { self == other as? Self }
}
