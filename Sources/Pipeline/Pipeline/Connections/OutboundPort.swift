public import ConfigurationLanguage
public import NIOCore

/// What a stage that takes outgoing connections offers to the stage before it.
public protocol OutboundPort: AnyObject {
    /// Makes `client` the user of every connection that this port opens on its loop, one at a time, for as long as it runs.
    func attach(_ client: any OutboundClient)
    /// Whether there is a connection now, and since when and why there is none.
    var status: OutboundStatus { get }
    /// How long an exchange may wait for a connection. Zero while none can come in that time.
    var patience: TimeAmount { get }
    /// Those that are open are full: another one is opened beside them if it can be had. To be called again for each that is wanted; it is
    /// its user who closes it when nobody needs it any more. Nothing happens while none is up; `connect` opens fifteen more at most on a
    /// loop, one at a time.
    func openAnother()
    /// Somebody wants a connection and there is none: the next attempt is made now, if that is of use, and not after its usual wait. To be
    /// called as often as somebody does.
    func hasten()
    /// How many connections its user may have at once on its loop, of this port and its siblings, one of each.
    var connections: ConnectionCount { get }
    /// Another port that leads to the same place, on the same loop; nil when there are as many as there may be. To be called while the plan
    /// is assembled. It opens nothing before somebody asks it to `hasten`.
    func sibling() -> (any OutboundPort)?
    /// Ports that lead to other servers, in the order in which they are liked; nil where there is one server. To be called once, while the
    /// plan is assembled. None of them opens anything before somebody asks it to `hasten`.
    func alternatives() -> ServerAlternatives?
    /// Has somebody told, on the loop, whenever `status` may be another.
    func observe(_ changed: @escaping () -> Void)
    /// Nobody needs the connection for now: it is ended, and another is opened when somebody asks to `hasten`. To be called while nothing
    /// goes over it.
    func rest()
    /// Whether there is a server behind the port. `observe` tells of a change.
    var standing: OutboundStanding { get }
    /// What was waited for until there was a connection, or since there is none.
    var lastDial: DialSteps { get }
}

/// Whether there is a server behind a port: those that a name stands for come and go.
public enum OutboundStanding: Sendable {
    /// There is one, up or down.
    case usual
    /// It is no longer one of those that the configuration's name stands for: nothing new is to go there, which `status` says too, and the port
    /// is to `rest` when nothing goes over its connection.
    case leaving
    /// There is none now: the port opens nothing.
    case absent
}

/// The other servers that an exchange may go to, and how one is chosen.
public struct ServerAlternatives {
    /// How exchanges are shared among servers.
    public enum Policy: String, Sendable, CaseIterable {
        /// All go to the first that is up.
        case inOrder = "in-order"
        /// Each goes to the one that has the fewest.
        case spread
    }

    /// How one is chosen.
    public var policy: Policy
    /// What this port's server is called, and what the others' are: for labels and sentences.
    public var names: [String]
    /// The others.
    public var ports: [any OutboundPort]

    /// - Parameter names: One more than ports: the first is this port's own.
    public init(policy: Policy, names: [String], ports: [any OutboundPort]) {
        self.policy = policy
        self.names = names
        self.ports = ports
    }

    /// The same behind another stage's ports.
    public func behind(_ wrap: (any OutboundPort) -> any OutboundPort) -> ServerAlternatives {
        ServerAlternatives(policy: policy, names: names, ports: ports.map(wrap))
    }
}

@available(*, unavailable)
extension ServerAlternatives: Sendable {}

extension OutboundPort {
    /// By default there is one connection at a time.
    public func openAnother() {}
    /// By default the next attempt comes when it comes.
    public func hasten() {}
    /// By default there is one port.
    public var connections: ConnectionCount { .exactly(1) }
    /// By default there is one port.
    public func sibling() -> (any OutboundPort)? { nil }
    /// By default there is one server.
    public func alternatives() -> ServerAlternatives? { nil }
    /// By default nobody is told.
    public func observe(_ changed: @escaping () -> Void) {}
    /// By default a connection stays.
    public func rest() {}
    /// By default nothing is known of it.
    public var lastDial: DialSteps { DialSteps() }
    /// By default the server stays the same.
    public var standing: OutboundStanding { .usual }
}

/// The user of outgoing connections.
public protocol OutboundClient: AnyObject {
    /// The protocols, as ALPN calls them, of which the other side has to take one; none where that is not asked. A stage
    /// in between says what its own client says.
    var protocols: [String] { get }
    /// Adds handlers to a new connection's channel, before it is connected.
    func configure(_ connection: Outbound) throws
    /// Bytes can be sent.
    func ready(_ connection: Outbound)
    /// The connection has ended, or could not be opened. Another attempt follows by itself; `OutboundPort.patience` says whether it is
    /// worth waiting for.
    func lost(_ connection: Outbound?, because error: (any Error)?)
    /// Another connection, which couldn't be opened when it was wanted, may be had now.
    func roomFreed()
    /// Where the server that its user needs can be reached itself, by what that server has said of it: a host that is an address, and a port. The
    /// next attempt goes there first, where it may; nil for the usual place. A stage in between says what its own client says.
    var detour: HostPort? { get }
}

extension OutboundClient {
    /// By default nobody waits for one.
    public func roomFreed() {}
    /// By default any server of the usual place will do.
    public var detour: HostPort? { nil }
}

/// Whether connections can be had at the moment, and why not.
public enum OutboundStatus: Sendable {
    /// At least one connection works.
    case up
    /// `since` in seconds of the Unix epoch.
    case down(since: Int, to: String, because: String)
}
