/// What a stage that takes connections offers to the stage before it.
public protocol InboundPort: AnyObject {
    /// The protocols that this stage speaks, as ALPN calls them, the one it likes best first. The stage that makes TLS offers
    /// them, and finds them when it is assembled. None where protocols have no such name; a stage that hands connections on says
    /// what the stage after it says, or the connection loses what was to be negotiated.
    var protocols: [String] { get }
    /// Whether connections are of use whose peers name protocols of which none is among `protocols`. By default, where there are none.
    var takesUnknownProtocols: Bool { get }
    /// Whether this stage, or one behind it, calls `Inbound.admit` for each connection once it is known that it is somebody's: when the
    /// peer is verified, when there is a request. Where nobody does, which is the default, a connection counts as somebody's at once.
    var admits: Bool { get }
    /// Adds this stage's handlers to a connection's channel, before its first byte is read, and passes it on. On its loop.
    func accept(_ connection: Inbound) throws
}

extension InboundPort {
    public var takesUnknownProtocols: Bool { protocols.isEmpty }
    public var admits: Bool { false }
}

/// Fired through a connection's pipeline when its host drains: finish what is open, take nothing new, then close.
public struct DrainEvent: Sendable {
    /// An event that says nothing more than its type.
    public init() {}
}
