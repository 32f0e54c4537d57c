import ConfigurationLanguage
import NIOCore
import Pipeline

/// A protocol between agent and server: both of its ends, and what it needs from what stands around it.
///
/// A codec has a case of `FrameCodec`, a folder of its own with a type that conforms to this, and a line in `FrameCodec.implementation`. Exchanges that wait for a
/// session, attempts to reach a server, and what is counted are the same for all: `TunnelQueue`, `SessionAttempts`, `SessionMeter`.
protocol TunnelCodec: Sendable {
    /// What ALPN calls the protocol (RFC 7301), the name that is liked best first: TLS asks for one of them. None where nothing is asked.
    static var protocols: [String] { get }
    /// What exchanges may bring along that come by the protocol.
    static var traits: StageTraits { get }
    /// What of the settings can't work with the protocol.
    static func problems(_ settings: SessionSettings) -> [ConfigurationProblem]

    init(_ settings: SessionSettings)

    /// The agent's end on one event loop: carries exchanges over the connections that `downstream` opens. On the loop.
    func client(_ downstream: any OutboundPort, on shard: Shard) -> any TunnelClient
    /// The server's end on one event loop: hands the exchanges of a connection to `downstream`. On the loop.
    func server(_ downstream: any ExchangePort, on shard: Shard) -> any InboundPort
    /// The stage takes nothing new: what waits for a connection that will not come ends.
    func drain()
}

extension TunnelCodec {
    /// By default nothing waits for one.
    func drain() {}
    static var traits: StageTraits { [] }
    static func problems(_ settings: SessionSettings) -> [ConfigurationProblem] { [] }
}
