import ConfigurationLanguage
import NIOCore
public import Pipeline

/// Makes the stage `frame`, and says what it is.
public struct FrameFactory: StageFactory {
    public static let name = "frame"
    public static let summary = "Carries many exchanges over one connection."
    public static let forms = [StageForm(.exchange, .outbound), StageForm(.inbound, .exchange)]
    public static let needs: HostNeeds = [.background]
    public static let reference = StageReference(
        details: """
            Joins the two ends of a tunnel: many exchanges share one connection, each with a window of its own, so that a slow \
            one delays no other. After exchanges it is the agent's side, after connections the server's.

            What the codec `mux` looks like on the wire is in `docs/protocol.md`.
            """,
        example: """
            - frame: { codec: mux, session-memory: 32MiB }
            """,
        metrics: FrameMetrics.all,
        notes: [
            "Without a connection to the server, exchanges wait: 1,024 on each event loop, as long as `connect` says.",
            "A session holds at most `session-memory`, whatever its peer does.",
        ])

    public init() {}

    /// What the stage is for others in the pipeline, which depends on its codecs.
    public func traits(of configuration: FrameConfiguration) -> StageTraits {
        (configuration.codecs ?? [configuration.codec]).reduce(into: .wakesServer) { $0.formUnion($1.implementation.traits) }
    }

    public func make(_ configuration: FrameConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        guard form.input == .exchange else {
            let codecs = configuration.codecs ?? [configuration.codec]
            return FrameServerStage(codecs: codecs.map { $0.implementation.init(configuration.session) })
        }
        guard configuration.codecs == nil else {
            throw StageError(
                .configuration, "'codecs' is for the end that accepts connections; this end says which one it wants with 'codec'",
                key: "codecs")
        }
        return FrameClientStage(
            codec: configuration.codec.implementation.init(configuration.session), presence: context.presence)
    }
}

/// Takes exchanges and carries them over the connections that the next stage opens.
struct FrameClientStage: Stage {
    typealias Input = Exchange
    typealias Output = Outbound
    let codec: any TunnelCodec
    let presence: ServerPresence?

    func assemble(_ downstream: any OutboundPort, on shard: Shard) throws -> any ExchangePort {
        if let others = downstream.alternatives() {
            return ServersPort(downstream, others, on: shard) { codec.client($0, on: shard) }
        }
        let port = codec.client(downstream, on: shard)
        downstream.attach(port)
        guard let presence else { return port }
        let shares = shard.group.makeIterator().reduce(0) { count, _ in count + 1 }
        return WakingPort(next: port, presence: presence, shard: shard, shares: shares)
    }
}

/// Takes connections and yields the exchanges that come over them.
struct FrameServerStage: Stage {
    typealias Input = Inbound
    typealias Output = Exchange
    let codecs: [any TunnelCodec]

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any InboundPort {
        let ports = codecs.map { $0.server(downstream, on: shard) }
        return ports.count == 1 ? ports[0] : CodecChoicePort(ports: ports, shard: shard)
    }

    func drain() async {
        for codec in codecs { codec.drain() }
    }
}
