public import ConfigurationLanguage
import Logging
import NIOCore
import NIOSSL
public import Pipeline
import Platform
import Synchronization

/// What `fetch` can be told.
public struct FetchConfiguration: StageConfiguration {
    /// What may be dialled, by resolved address.
    public var destinations = Destinations.public
    /// How long connecting to an origin may take, its name included.
    public var connectTimeout = Duration.seconds(10)
    /// How long an origin may take to begin its answer, after the last byte of the request.
    public var firstByteTimeout = Duration.seconds(60)
    /// How long an origin may be silent in the middle of its answer.
    public var silence = Duration.seconds(300)
    /// How long both sides of a CONNECT or WebSocket may be silent.
    public var tunnelSilence = Duration.seconds(7_200)
    /// The most connections to one origin on one event loop; further requests wait for one of them.
    public var connectionsPerOrigin = 256
    /// How long an unused connection is kept for the next request.
    public var idle = Duration.seconds(60)
    /// The most unused connections kept at once, to all origins and on all event loops together.
    public var idleConnections = 1_024
    /// The PEM file of authorities that https origins are verified against; nil for that of `SSL_CERT_FILE`, else the system's.
    public var ca: FilePath?
    /// The name servers that are asked for origins' names.
    public var resolver = NameServers.system

    public init() {}

    public static let schema = Schema<FetchConfiguration>(
        .optional(
            "destinations", \.destinations,
            "What may be dialled, by resolved address: 'public', 'any', or a list of networks. Link-local and metadata addresses are refused unless the list has the very address, such as 169.254.169.254; no network opens them."
        ),
        .optional(
            "connect-timeout", \.connectTimeout, in: .milliseconds(10)...(.seconds(600)),
            "How long connecting to an origin may take, its name included; and how long a request waits for one of 'connections-per-origin' before it is answered with 503."
        ),
        .optional(
            "first-byte-timeout", \.firstByteTimeout, in: .milliseconds(10)...(.seconds(86_400)),
            "How long an origin may take to begin its answer, after the last byte of the request."),
        .optional(
            "silence", \.silence, in: .milliseconds(10)...(.seconds(86_400)),
            "How long an origin may be silent in the middle of its answer."),
        .optional(
            "tunnel-silence", \.tunnelSilence, in: .milliseconds(10)...(.seconds(604_800)),
            "How long both sides of a CONNECT or WebSocket may be silent."),
        .optional(
            "connections-per-origin", \.connectionsPerOrigin, in: 1...100_000,
            "Connections to one origin on one event loop; further requests wait for one of them, as long as 'connect-timeout' says, and clients take turns."
        ),
        .optional(
            "idle", \.idle, in: .zero...(.seconds(86_400)), "How long an unused connection is kept for the next request."),
        .optional(
            "idle-connections", \.idleConnections, in: 0...1_000_000,
            "Unused connections that are kept at once, to all origins and on all event loops together. For another one, the one unused longest is closed."
        ),
        .optional(
            "ca", \.ca,
            "The authorities that https origins are verified against, PEM. The default is the file that SSL_CERT_FILE names, else the system's."
        ),
        .optional(
            "resolver", \.resolver,
            "The name servers that are asked for origins' names: 'system' for those of /etc/resolv.conf, an address, or a list of addresses, each with its port if that isn't 53. /etc/hosts counts, and the system's search list, whoever is asked."
        )
    )
}

/// Makes the stage `fetch`, and says what it is.
public struct FetchFactory: StageFactory {
    public static let name = "fetch"
    public static let summary = "Sends each request to its origin and streams the answer back."
    public static let forms = [StageForm(.exchange, .end)]
    public static let needs: HostNeeds = [.background, .network]
    public static let traits: StageTraits = .checksAddresses
    public static let reference = StageReference(
        details: """
            The server's end: sends each request to the origin that it names, over pooled HTTP/1.1 connections, and streams the \
            answer back. CONNECT and WebSockets become raw bytes both ways.

            What may be dialled is decided on the resolved address, which is then dialled itself, so that a name can't lead \
            elsewhere a moment later. The default, `public`, keeps clients out of the server's own network.
            """,
        example: """
            - fetch: { destinations: [public, 10.1.0.0/16], connect-timeout: 5s }
            """,
        metrics: Metrics.all,
        notes: [
            "Link-local addresses and those of the clouds' metadata are refused even with `any`, and with a network that has them. Only the address itself, in the list, opens one.",
            "A request with a safe method and without a body is sent again if a reused connection turned out to be closed.",
            "Names are looked up in `/etc/hosts` and at name servers, as `resolv.conf` and the words `files` and `dns` of `nsswitch.conf` say. What other modules of `nsswitch.conf` know, `mdns` or `ldap` say, is not known here.",
            "What a name server says is remembered as long as it says, an hour at most, and that a name doesn't exist for five seconds. For half a minute longer it is used while it is looked up anew, and for ten minutes where no name server answers. `/etc/hosts` is read for each question.",
            "Of several addresses IPv6 comes first; the next is dialled after a quarter of a second. What took the connection then goes first for ten minutes.",
            "Origins are spoken to in HTTP/1.1.",
            "A connection on which a client has used NTLM, Negotiate or another scheme that may count for the whole connection serves that client's own connection alone from then on.",
            "When the process has no file descriptors left, unused connections are closed first; a request that has waited a second for one is answered with 503.",
            "With `idle-connections: 0` no client can prove who he is in several steps, for each needs the connection of the one before.",
        ])

    public init() {}

    public func make(_ configuration: FetchConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        FetchStage(configuration: configuration, tls: try OriginTrust.context(configuration.ca?.path))
    }
}

/// Takes exchanges and answers them from their origins.
final class FetchStage: Stage, DialledAddresses {
    typealias Input = Exchange
    typealias Output = End
    private let configuration: FetchConfiguration
    private let tls: NIOSSLContext
    private let ports = Mutex<[NIOLoopBound<FetchPort>]>([])
    private let idleBudget: IdleBudget
    /// Where the process's descriptors are looked after, and this stage's place there.
    private let descriptors = Mutex<FileDescriptors?>(nil)
    private let holder = Mutex<Int?>(nil)

    /// So many connections each loop gives up at once for want of descriptors: enough for what comes until the next are asked for.
    private static let portion = 64

    init(configuration: FetchConfiguration, tls: NIOSSLContext) {
        self.configuration = configuration
        self.tls = tls
        idleBudget = IdleBudget(limit: configuration.idleConnections)
    }

    func refusal(ofDialling address: SocketAddress, for host: String) -> Failure? {
        configuration.destinations.allow(address) ? nil : Self.refusal(for: host)
    }

    static func refusal(for host: String) -> Failure {
        Failure(.forbidden, "connections to the address of '\(host)' are not allowed here")
    }

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort {
        let port = FetchPort(configuration: configuration, tls: tls, idleBudget: idleBudget, shard: shard)
        ports.withLock { $0.append(NIOLoopBound(port, eventLoop: shard.loop)) }
        descriptors.withLock { $0 = shard.telemetry.descriptors }
        return port
    }

    func start() async {
        guard let descriptors = descriptors.withLock({ $0 }) else { return }
        let added = descriptors.add { [weak self] in self?.giveUp() }
        holder.withLock { $0 = added }
    }

    private func giveUp() {
        for port in ports.withLock({ $0 }) { port.execute { $0.giveUp(Self.portion) } }
    }

    /// Nothing more comes: this is the last stage.
    func drain() async { await end() }
    func stop() async { await end() }

    private func end() async {
        if let holder = holder.withLock({ $0.take() }) { descriptors.withLock { $0 }?.remove(holder) }
        for port in ports.withLock({ $0 }) { try? await port.eventLoop.submit { port.value.end() }.get() }
    }
}

/// Whom `https` origins are verified by.
enum OriginTrust {
    static func context(_ file: String?) throws(StageError) -> NIOSSLContext {
        let environment = SystemTrust.file
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        configuration.verifySignatureAlgorithms = TLSSignatures.verifiedOfOrigins
        if let path = file ?? environment { configuration.trustRoots = .file(path) }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw StageError(
                .configuration,
                "the authorities for https origins can't be read from '\(file ?? environment ?? "")': it is no readable file of PEM certificates",
                key: file == nil ? nil : "ca")
        }
    }
}

extension NIOLoopBound<FetchPort> {
    fileprivate func execute(_ body: @escaping @Sendable (FetchPort) -> Void) { eventLoop.execute { body(value) } }
}
