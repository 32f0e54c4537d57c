public import ConfigurationLanguage
import NIOCore
public import Pipeline

/// What agent and server say to each other.
public enum FrameCodec: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Our own, `docs/protocol.md`.
    case mux
    /// Standard HTTP/2 proxying (RFC 9113, RFC 8441).
    case h2
    /// The JSON envelopes of the first Fluidity's agents and servers.
    case json

    /// What ALPN calls it.
    var protocols: [String] {
        switch self {
        case .mux: ["fluidity/1"]
        case .h2: ["h2"]
        case .json: []
        }
    }
}

/// What `frame` can be told.
public struct FrameConfiguration: StageConfiguration {
    public var codec = FrameCodec.mux
    public var codecs: [FrameCodec]?
    public var sessionMemory = ByteCount(16 << 20)
    public var streamWindow = ByteCount(128 << 10)
    public var maxStreams = 8_192
    public var maxBody = ByteCount(10 << 20)
    public var pingInterval = Duration.seconds(10)
    public var pingTimeout = Duration.seconds(5)

    public init() {}

    public static let schema = Schema<FrameConfiguration>(
        .optional("codec", \.codec, "The protocol spoken between agent and server."),
        .optional(
            "codecs", \.codecs,
            "Where connections are accepted: the protocols that are taken on one port, in place of 'codec'. TLS tells them apart (ALPN); a connection that names none is json's, else the first one's."
        ),
        .optional(
            "session-memory", \.sessionMemory, in: ByteCount(1 << 20)...ByteCount(1 << 30),
            "What one session may hold, whatever its peer does."),
        .optional(
            "stream-window", \.streamWindow, in: ByteCount(16 << 10)...ByteCount(64 << 20),
            "What a stream's sender may send before the receiver has passed it on."),
        .optional("max-streams", \.maxStreams, in: 1...1_000_000, "Exchanges that a peer may have open in one session."),
        .optional(
            "max-body", \.maxBody, in: ByteCount(64 << 10)...ByteCount(256 << 20),
            "With the codec json, which has bodies and WebSocket messages whole: what one may have. A larger request is answered with 413, a larger response with 502."
        ),
        .optional(
            "ping-interval", \.pingInterval, in: .milliseconds(100)...(.seconds(3600)),
            "A peer that has been silent for this long is asked whether it is there."),
        .optional(
            "ping-timeout", \.pingTimeout, in: .milliseconds(100)...(.seconds(600)),
            "A peer that doesn't answer for this long is given up.")
    )

    public func validate() -> [ConfigurationProblem] {
        if let codecs, codecs.isEmpty || Set(codecs).count < codecs.count {
            return [ConfigurationProblem("'codecs' wants each protocol once, and one at least", key: "codecs")]
        }
        if (codecs ?? [codec]).contains(.json), maxBody.bytes / 3 * 4 > sessionMemory.bytes {
            return [
                ConfigurationProblem(
                    "'max-body' is more than three quarters of 'session-memory'", key: "max-body",
                    hint: "one body must leave room for others"
                )
            ]
        }
        guard streamWindow.bytes > mux.sessionWindow else { return [] }
        return [
            ConfigurationProblem(
                "'stream-window' is more than a quarter of 'session-memory'", key: "stream-window",
                hint: "one stream must leave room for others")
        ]
    }

    var mux: MuxConfiguration {
        var mux = MuxConfiguration()
        mux.memory = sessionMemory.bytes
        mux.streamWindow = streamWindow.bytes
        mux.maxStreams = maxStreams
        mux.pingInterval = TimeAmount(pingInterval)
        mux.pingTimeout = TimeAmount(pingTimeout)
        return mux
    }
}

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
        metrics: Metrics.all,
        notes: [
            "Without a connection to the server, exchanges wait: 1,024 on each event loop, as long as `connect` says.",
            "A session holds at most `session-memory`, whatever its peer does.",
        ])

    public init() {}

    /// Clients of HTTP/2 speak with this end itself, and may say who they are. What agents' clients say has ended at the agent.
    public func traits(of configuration: FrameConfiguration) -> StageTraits {
        let codecs = configuration.codecs ?? [configuration.codec]
        var traits: StageTraits = codecs.contains(.h2) ? .takesCredentials : []
        if codecs.contains(.mux) { traits.insert(.carriesDeflated) }
        return traits
    }

    public func make(_ configuration: FrameConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        guard form.input == .exchange else {
            return FrameServerStage(configuration: configuration, codecs: configuration.codecs ?? [configuration.codec])
        }
        guard configuration.codecs == nil else {
            throw StageError(
                .configuration, "'codecs' is for the end that accepts connections; this end says which one it wants with 'codec'",
                key: "codecs")
        }
        return FrameClientStage(configuration: configuration, presence: context.presence)
    }
}

/// Takes exchanges and carries them over the connections that the next stage opens.
struct FrameClientStage: Stage {
    typealias Input = Exchange
    typealias Output = Outbound
    let configuration: FrameConfiguration
    let presence: ServerPresence?

    func assemble(_ downstream: any OutboundPort, on shard: Shard) throws -> any ExchangePort {
        let port = client(downstream, on: shard)
        guard let presence else { return port }
        let shares = shard.group.makeIterator().reduce(0) { count, _ in count + 1 }
        return WakingPort(next: port, presence: presence, shard: shard, shares: shares)
    }

    private func client(_ downstream: any OutboundPort, on shard: Shard) -> any ExchangePort {
        switch configuration.codec {
        case .mux:
            let port = MuxClientPort(configuration: configuration.mux, downstream: downstream, shard: shard)
            downstream.attach(port)
            return port
        case .h2:
            let port = H2ClientPort(configuration: H2Configuration(client: configuration), downstream: downstream, shard: shard)
            downstream.attach(port)
            return port
        case .json:
            let port = JSONClientPort(configuration: JSONConfiguration(configuration), downstream: downstream, shard: shard)
            downstream.attach(port)
            return port
        }
    }
}

/// Takes connections and yields the exchanges that come over them.
struct FrameServerStage: Stage {
    typealias Input = Inbound
    typealias Output = Exchange
    let configuration: FrameConfiguration
    let codecs: [FrameCodec]

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any InboundPort {
        let ports = codecs.map { port(for: $0, downstream, shard) }
        return ports.count == 1 ? ports[0] : CodecChoicePort(ports: ports, shard: shard)
    }

    private func port(for codec: FrameCodec, _ downstream: any ExchangePort, _ shard: Shard) -> any InboundPort {
        switch codec {
        case .mux: MuxServerPort(configuration: configuration.mux, downstream: downstream, shard: shard)
        case .h2: H2ServerPort(configuration: H2Configuration(server: configuration), downstream: downstream, shard: shard)
        case .json: JSONServerPort(configuration: JSONConfiguration(configuration), downstream: downstream, shard: shard)
        }
    }
}
