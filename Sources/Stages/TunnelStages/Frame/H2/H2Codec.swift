import Pipeline

/// Standard HTTP/2 proxying (RFC 9113; RFC 8441 for WebSockets), with ends that may be other programs.
struct H2Codec: TunnelCodec {
    static let protocols = ["h2"]
    /// Clients of HTTP/2 speak with the accepting end itself, and may say who they are. What agents' clients say has ended at the agent.
    static let traits: StageTraits = .takesCredentials

    private let settings: SessionSettings

    init(_ settings: SessionSettings) { self.settings = settings }

    func client(_ downstream: any OutboundPort, on shard: Shard) -> any TunnelClient {
        H2ClientPort(configuration: H2Configuration(client: settings), downstream: downstream, shard: shard)
    }

    func server(_ downstream: any ExchangePort, on shard: Shard) -> any InboundPort {
        H2ServerPort(configuration: H2Configuration(server: settings), downstream: downstream, shard: shard)
    }
}
