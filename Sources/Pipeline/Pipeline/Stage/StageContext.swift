public import Logging

/// What a stage is told when it is made.
public struct StageContext: Sendable {
    /// The logger of the stage; a host puts the stage's name into its metadata.
    public var logger: Logger
    /// The kind of program that runs the stage.
    public var host: HostKind
    /// Where the host has the server started and stopped: what is known of it.
    public var presence: ServerPresence?
    /// The stages before and after it in its list.
    public var surroundings: StageSurroundings
    /// What the host gives. Less than a host of its kind in `fluidity test`, which has no network: a filter that would ask somebody
    /// something does without.
    public var offers: HostNeeds
    /// Where it records what matters for security; nil where that isn't recorded.
    package var audit: AuditLog?
    /// The lists of stages that the stage has itself, made already, in the order of its configuration: what `PlanBranch` puts together.
    public var branches: [StageBranch] = []

    /// A context that offers what a host of the kind does, and has no presence.
    public init(logger: Logger, host: HostKind, surroundings: StageSurroundings = StageSurroundings()) {
        self.logger = logger
        self.host = host
        self.surroundings = surroundings
        offers = host.offers
    }
}
