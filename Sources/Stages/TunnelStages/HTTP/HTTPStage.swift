public import ConfigurationLanguage
import NIOCore
public import Pipeline

/// What clients take it for: a proxy, or an origin.
public enum HTTPMode: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Requests are in absolute-form or CONNECT, and name any origin.
    case proxy
    /// Requests are in origin-form, for this program.
    case origin
}

/// What `http` can be told.
public struct HTTPConfiguration: StageConfiguration {
    /// Whether clients use this as their proxy or as the origin.
    public var mode = HTTPMode.proxy
    /// How long a connection is kept open for the next request.
    public var keepAlive = Duration.seconds(300)
    /// How long a client may take to send a request's head.
    public var headTimeout = Duration.seconds(60)
    /// The proxy auto-configuration file for browsers; nil for none.
    public var pac: PACConfiguration?
    /// The name in `Via`; nil for the default of the mode.
    public var via: ViaName?

    public init() {}

    public static let schema = Schema<HTTPConfiguration>(
        .optional("mode", \.mode, "Whether clients use this as their proxy or as the origin."),
        .optional(
            "keep-alive", \.keepAlive, in: .milliseconds(100)...(.seconds(86_400)),
            "How long a connection is kept open for the next request."),
        .optional(
            "head-timeout", \.headTimeout, in: .milliseconds(100)...(.seconds(3_600)),
            "How long a client may take to send a request's head."),
        .optional("pac", \.pac, "A proxy auto-configuration file for browsers, served under a path of this proxy's own."),
        .optional(
            "via", \.via,
            "The name that 'Via' has of this program, in what is passed on: with 'mode: proxy' in requests and responses, by default in "
                + "none; with 'mode: origin' in requests, by default a name of this process's own. A request that has it already has come "
                + "round, and is answered with 508. 'none' sends no 'Via', and sees no loop.")
    )

    public func validate() -> [ConfigurationProblem] {
        guard pac != nil, mode == .origin else { return [] }
        return [ConfigurationProblem("'pac' is for proxies: its path would be one of the origin's", key: "pac")]
    }
}

/// Makes the stage `http`, and says what it is.
public struct HTTPFactory: StageFactory {
    public static let name = "http"
    public static let summary = "Speaks HTTP/1.1 with clients: requests in absolute-form, CONNECT and Upgrade."
    public static let forms = [StageForm(.inbound, .exchange)]
    public static let traits: StageTraits = .takesCredentials
    public static let reference = StageReference(
        details: """
            Turns connections into exchanges. With `mode: proxy` clients use it as their HTTP proxy: requests in absolute-form, \
            CONNECT, and Upgrade for WebSockets. With `mode: origin` they use it as a web server.

            What doesn't conform to RFC 9110 and 9112 is answered with 400 or what the RFC says, and the connection is closed.
            """,
        example: """
            - http: { mode: proxy, keep-alive: 5m }
            """,
        metrics: Metrics.all,
        notes: [
            "Requests that a client sends ahead are answered in order.",
            "A head has at most 64 KiB and 256 fields (431), a request target 16 KiB (414).",
        ])

    public init() {}

    public func make(_ configuration: HTTPConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        HTTPStage(configuration: configuration, isIdentified: context.surroundings.isBefore(.identifies))
    }
}

/// Takes connections and yields the requests that come over them.
struct HTTPStage: Stage {
    typealias Input = Inbound
    typealias Output = Exchange
    let configuration: HTTPConfiguration
    /// Whether a stage behind this one finds out who exchanges are from: then a request alone doesn't make its client somebody.
    var isIdentified = false
    /// Whom a request of HTTP/1.0 is for that doesn't say it; nil where such a request is refused.
    var assumedHost: String?

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any InboundPort {
        HTTPPort(
            configuration: configuration, isIdentified: isIdentified, assumedHost: assumedHost, downstream: downstream, shard: shard
        )
    }
}

final class HTTPPort: InboundPort {
    let configuration: HTTPConfiguration
    let isIdentified: Bool
    let assumedHost: String?
    let downstream: any ExchangePort
    let shard: Shard
    let pac: PACFile?
    let meter: HTTPMeter
    let scratches = ScratchBuffers()
    let date = DateField()
    let pageFacts = ProxyPageFacts()
    let via: ViaField?

    init(
        configuration: HTTPConfiguration, isIdentified: Bool, assumedHost: String? = nil, downstream: any ExchangePort, shard: Shard
    ) {
        self.configuration = configuration
        self.assumedHost = assumedHost
        self.isIdentified = isIdentified
        self.downstream = downstream
        self.shard = shard
        self.pac = configuration.pac.map(PACFile.init)
        self.meter = HTTPMeter(on: shard)
        self.via = ViaField(configuration.via, mode: configuration.mode)
    }

    var protocols: [String] { ["http/1.1"] }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        connection.notesActivity = true
        try connection.channel.pipeline.syncOperations.addHandler(HTTPServerHandler(connection: connection, port: self))
    }
}
