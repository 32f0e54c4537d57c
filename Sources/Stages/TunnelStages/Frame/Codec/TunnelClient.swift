import Pipeline

/// The agent's end of a codec on one loop: takes exchanges, and carries them over the connections of one server.
protocol TunnelClient: ExchangePort, OutboundClient {
    /// Exchanges that its connections carry.
    var openStreams: Int { get }
    /// Where exchanges wait for them; there may be several.
    var queues: [TunnelQueue] { get }
}
