public import ConfigurationLanguage

/// Makes one kind of stage from its configuration, and describes it: from this come the checks, the hints and the reference.
public protocol StageFactory: Sendable {
    /// The stage's keys, as a value that the loader has checked before it makes a stage of it.
    associatedtype Configuration: StageConfiguration

    /// The name in the YAML list, in kebab-case.
    static var name: String { get }
    /// One sentence: what the stage does.
    static var summary: String { get }
    /// What it takes and yields, one for each direction in which it can stand.
    static var forms: [StageForm] { get }
    /// What a host must give for the stage to work. By default nothing.
    static var needs: HostNeeds { get }
    /// What it is to the stages around it.
    static var traits: StageTraits { get }
    /// What the reference says beyond this: details, an example, metrics, notes. By default nothing.
    static var reference: StageReference { get }

    /// The same for one configuration, where that makes a difference. By default `traits`.
    func traits(of configuration: Configuration) -> StageTraits

    /// What is wrong with a configuration at its place in the list, though it is right by itself.
    func problems(_ configuration: Configuration, among surroundings: StageSurroundings) -> [ConfigurationProblem]

    /// Makes the stage. `form` is one of `forms`: the one that fits its place. The stage's `Input.kind` and `Output.kind` are
    /// the form's. Throws a `StageError` when the configuration is well-formed but can't work, a certificate that is
    /// expired, say.
    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage
}

extension StageFactory {
    public static var needs: HostNeeds { [] }
    public static var traits: StageTraits { [] }
    public static var reference: StageReference { StageReference() }

    public func traits(of configuration: Configuration) -> StageTraits { Self.traits }

    public func problems(_ configuration: Configuration, among surroundings: StageSurroundings) -> [ConfigurationProblem] { [] }
}

extension StageFactory {
    /// Every key of this stage's configuration: `type(of: factory).describeKeys()` works on any factory.
    public static func describeKeys() -> [SchemaDescription] {
        Configuration.describeKeys()
    }
}
