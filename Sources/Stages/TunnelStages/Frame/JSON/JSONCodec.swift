import ConfigurationLanguage
import Pipeline

/// The JSON envelopes of the first Fluidity's agents and servers.
struct JSONCodec: TunnelCodec {
    /// A connection that names no protocol is one of these.
    static let protocols: [String] = []

    static func problems(_ settings: SessionSettings) -> [ConfigurationProblem] {
        guard settings.maxBody / 3 * 4 > settings.memory else { return [] }
        return [
            ConfigurationProblem(
                "'max-body' is more than three quarters of 'session-memory'", key: "max-body",
                hint: "one body must leave room for others")
        ]
    }

    private let configuration: JSONConfiguration

    init(_ settings: SessionSettings) { configuration = JSONConfiguration(settings) }

    func client(_ downstream: any OutboundPort, on shard: Shard) -> any TunnelClient {
        JSONClientPort(configuration: configuration, downstream: downstream, shard: shard)
    }

    func server(_ downstream: any ExchangePort, on shard: Shard) -> any InboundPort {
        JSONServerPort(configuration: configuration, downstream: downstream, shard: shard)
    }
}
