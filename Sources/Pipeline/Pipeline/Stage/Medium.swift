/// What flows between two stages.
///
/// A medium's `Port` is what a stage offers to the stage before it: the way to hand one value of that medium on. A pipeline is
/// put together from its end, each stage turning the port after it into the port that it offers itself.
public protocol Medium: SendableMetatype {
    /// What a stage that takes this medium offers to the stage before it.
    associatedtype Port
    /// The medium as a value.
    static var kind: MediumKind { get }
    /// A port that counts what reaches the stage at `place`, and hands it to the stage's own port.
    static func metered(_ port: Port, on shard: Shard, at place: StagePlace) -> Port
}

extension Medium {
    public static func metered(_ port: Port, on shard: Shard, at place: StagePlace) -> Port { port }
}

/// The media as values, for configurations that are checked before anything is made.
public enum MediumKind: String, Sendable, Equatable, CaseIterable {
    /// Nothing: what stands before a source.
    case start
    /// Connections that were accepted: `Inbound`.
    case inbound
    /// Exchanges: `Exchange`.
    case exchange
    /// Connections that are dialled: `Outbound`.
    case outbound
    /// Nothing: what stands behind a sink.
    case end

    /// The medium in a sentence about what a stage takes or yields.
    public var plural: String {
        switch self {
        case .start, .end: "nothing"
        case .inbound: "connections"
        case .exchange: "exchanges"
        case .outbound: "outgoing connections"
        }
    }
}

extension Inbound: Medium {
    public typealias Port = any InboundPort
    public static var kind: MediumKind { .inbound }

    public static func metered(_ port: any InboundPort, on shard: Shard, at place: StagePlace) -> any InboundPort {
        InboundEdge(port, on: shard, at: place)
    }
}

extension Exchange: Medium {
    public typealias Port = any ExchangePort
    public static var kind: MediumKind { .exchange }

    public static func metered(_ port: any ExchangePort, on shard: Shard, at place: StagePlace) -> any ExchangePort {
        ExchangeEdge(port, on: shard, at: place)
    }
}

extension Outbound: Medium {
    public typealias Port = any OutboundPort
    public static var kind: MediumKind { .outbound }
}

/// The medium before a source.
public enum Start: Medium {
    public typealias Port = Void
    public static var kind: MediumKind { .start }
}

/// The medium after a sink.
public enum End: Medium {
    public typealias Port = Void
    public static var kind: MediumKind { .end }
}
