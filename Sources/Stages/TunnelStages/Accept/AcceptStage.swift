public import ConfigurationLanguage
import Logging
import NIOCore
public import Pipeline

/// What `accept` can be told.
public struct AcceptConfiguration: StageConfiguration {
    /// The address and port, or the path of a Unix socket, that is listened on.
    public var listen = ListenAddress.tcp(host: "127.0.0.1", port: 0)
    /// The most connections open at once; more wait in the kernel's queue until one ends.
    public var maxConnections = 10_000
    /// The most connections open at once whose client hasn't shown yet who it is; nil for `maxConnections`, at most 1,000.
    public var maxHandshakes: Int?
    /// How long a connection may have nothing sent or received before it is closed.
    public var idle = Duration.seconds(7_200)
    /// The congestion control of accepted connections; nil to choose by codec and round-trip time.
    public var congestionControl: CongestionControl?

    public init() {}

    public static let schema = Schema<AcceptConfiguration>(
        .required("listen", \.listen, "Address and port, or unix:PATH."),
        .optional(
            "max-connections", \.maxConnections, in: 1...1_000_000,
            "Connections open at once; more wait in the kernel's queue until one ends."),
        .optional(
            "max-handshakes", \.maxHandshakes, in: 1...1_000_000,
            "Connections open at once whose client hasn't shown yet who it is: no finished TLS handshake, no request, or none that 'auth' lets through. Default: as many as 'max-connections', 1,000 at most."
        ),
        .optional(
            "idle", \.idle, in: .milliseconds(100)...(.seconds(604_800)),
            "A connection on which nothing was sent or received for this long is closed."),
        .optional(
            "congestion-control", \.congestionControl,
            "How TCP finds its rate on these connections. Default: for mux bbr where the way is long and the kernel offers it; else the system's, but reno in place of bbr on the same machine or below a millisecond."
        )
    )

    public func validate() -> [ConfigurationProblem] { listen.problems(key: "listen") }

    /// Strangers that may be there at once.
    var strangerLimit: Int { maxHandshakes ?? min(maxConnections, 1_000) }
}

extension AcceptConfiguration: ListeningConfiguration {}

/// Makes the stage `accept`, and says what it is.
public struct AcceptFactory: StageFactory {
    public static let name = "accept"
    public static let summary = "Listens for connections on TCP or on a Unix socket."
    public static let forms = [StageForm(.start, .inbound)]
    public static let needs: HostNeeds = [.listening]
    public static let reference = StageReference(
        details: """
            The source of agents and servers: it takes connections and deals them to the event loops in turns. What they speak \
            is up to the next stage: `http` or `socks` for programs, `mtls` for the other end of a tunnel.

            While the host drains, nothing new is accepted and what is open may finish.
            """,
        example: """
            - accept: { listen: "127.0.0.1:8080", max-connections: 1000 }
            """,
        metrics: Metrics.all,
        notes: [
            "At `max-connections` it stops accepting: further connections wait in the kernel and are not refused.",
            "Where connections whose client stays silent are in the way of others, the oldest of the client that has most is closed: half a second after it came, or a second if it sends something. An IPv6 network of 64 bits counts as one client.",
            "Port 0 lets the system choose a port; the log's line `listening` says which.",
            "A Unix socket's file is taken over if nobody listens on it any more, and removed at the end.",
        ])

    public init() {}

    public func make(_ configuration: AcceptConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        AcceptStage(configuration: configuration, logger: context.logger)
    }
}

/// Listens, and hands each connection to the next stage on one of the loops, in turns.
struct AcceptStage: Stage {
    typealias Input = Start
    typealias Output = Inbound
    private let listener: Listener

    /// - Parameter isReserved: Whether this process must never dial the address for its clients.
    init(configuration: AcceptConfiguration, logger: Logger, isReserved: Bool = false) {
        listener = Listener(configuration: configuration, logger: logger, isReserved: isReserved)
    }

    func assemble(_ downstream: any InboundPort, on shard: Shard) throws {
        listener.add(
            Acceptor(
                port: downstream, shard: shard, configuration: listener.configuration, places: listener.places))
    }

    func claim() async throws { try await listener.bind() }
    func start() async throws { try await listener.start() }
    func drain() async { await listener.drain() }
    func stop() async { await listener.stop() }
    func status() async -> StageStatus { listener.status }
}
