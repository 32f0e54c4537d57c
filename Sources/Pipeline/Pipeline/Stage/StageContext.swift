public import Logging

/// What a stage is told when it is made.
public struct StageContext: Sendable {
    public var logger: Logger
    public var host: HostKind
    /// Where the host has the server started and stopped: what is known of it.
    public var presence: ServerPresence?
    public var surroundings: StageSurroundings
    /// What the host gives. Less than a host of its kind in `fluidity test`, which has no network: a filter that would ask somebody
    /// something does without.
    public var offers: HostNeeds

    public init(logger: Logger, host: HostKind, surroundings: StageSurroundings = StageSurroundings()) {
        self.logger = logger
        self.host = host
        self.surroundings = surroundings
        offers = host.offers
    }
}
