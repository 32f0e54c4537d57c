import Addresses
public import ConfigurationLanguage
import Logging
import NIOCore
public import Pipeline
import Platform
import Synchronization

/// What `connect` can be told.
public struct ConnectConfiguration: StageConfiguration {
    /// The server's host and port, resolved for each attempt, or `discover`.
    public var to = ServerAddress.fixed(HostPort(host: "localhost", port: 8443))
    /// How exchanges are shared where there are several servers.
    public var policy = ServerAlternatives.Policy.inOrder
    /// How long an exchange waits for the tunnel before it is answered with 503.
    public var wait = Duration.seconds(10)
    /// The congestion control of connections to the server; nil to choose by codec and round-trip time.
    public var congestionControl: CongestionControl?
    /// Connections to the server that the streams of one event loop share.
    public var connections = ConnectionCount.automatic
    /// How long one attempt to connect may take.
    public var timeout = Duration.seconds(10)
    /// The way to the server: direct, an HTTP proxy, what the environment says, or several of these in order.
    public var via = Via.direct
    /// The user for proxies whose URL has none.
    public var viaUser: String?
    /// The password of `viaUser`.
    public var viaPassword: Secret?
    /// The authorities of proxies behind TLS; nil for the system's.
    public var viaCA: PEMSource?
    /// How it may be said to proxies who one is; nil for Digest and Basic.
    public var viaAuth: ProxySchemes?
    /// A file with the Kerberos key of `viaUser`, in place of a password.
    public var viaKeytab: FilePath?
    /// The name servers that are asked for the names of the server and of proxies.
    public var resolver = NameServers.system

    public init() {}

    public static let schema = Schema<ConnectConfiguration>(
        .required(
            "to", \.to,
            "The server's host and port, the name resolved for each attempt, unless its answer still counts; a list of servers; or 'discover', where the status endpoint of 'lifecycle' says it."
        ),
        .optional(
            "policy", \.policy,
            "How exchanges are shared where 'to' is a list: 'in-order', all to the first that is up, or 'spread', each to the server that has the fewest."
        ),
        .optional(
            "wait", \.wait, in: .zero...(.seconds(600)),
            "How long an exchange waits for the tunnel before it is answered with 503."),
        .optional(
            "congestion-control", \.congestionControl,
            "How TCP finds its rate on the way to the server. Default: for mux bbr where that is long and the kernel offers it; else the system's, but reno in place of bbr where it is shorter than a millisecond."
        ),
        .optional(
            "connections", \.connections,
            "With mux, connections to the server that the streams of one event loop are spread over: a number, or 'auto' for one, and eight where the way is long and loses packets and one of the two ends sends slower for each that is lost."
        ),
        .optional(
            "timeout", \.timeout, in: .milliseconds(100)...(.seconds(120)), "How long one attempt to connect may take."),
        .optional(
            "via", \.via,
            "The way to the server: 'direct', an HTTP proxy such as http://user:password@proxy.example:3128, or https:// for one behind TLS, 'environment' for what HTTPS_PROXY and NO_PROXY say, { pac: … } for what the network's proxy auto-configuration says, or a list of these, tried in order."
        ),
        .optional("via-user", \.viaUser, "The user for proxies whose URL has none."),
        .secret("via-password", \.viaPassword, "The password of 'via-user'."),
        .optional(
            "via-ca", \.viaCA, "The authorities that certificates of proxies behind TLS must come from, PEM. Default: the system's."
        ),
        .optional(
            "via-auth", \.viaAuth,
            "How it may be said to proxies who one is; of what a proxy offers the strongest is taken that works. Default: digest and basic."
        ),
        .optional(
            "via-keytab", \.viaKeytab,
            "A file with the Kerberos key of 'via-user' in place of its password. Without either, negotiate shows the tickets that the user has who runs the program."
        ),
        .optional(
            "resolver", \.resolver,
            "The name servers that are asked for the names of the server and of proxies: 'system' for those of /etc/resolv.conf, an address, or a list of addresses, each with its port if that isn't 53."
        )
    )

    public func validate() -> [ConfigurationProblem] { serverProblems + wayProblems }

    private var serverProblems: [ConfigurationProblem] {
        guard case .several(let servers) = to else {
            guard policy != .inOrder else { return [] }
            return [
                .warning(
                    "'policy' is of no use with one server", key: "policy",
                    hint: "'to' takes a list: [a.example:8443, b.example:8443]")
            ]
        }
        let addresses = servers.map(\.address)
        guard let index = addresses.indices.first(where: { addresses[..<$0].contains(addresses[$0]) }) else { return [] }
        return [
            ConfigurationProblem(
                "\(addresses[index]) stands in the list twice", key: "to", hint: "metrics and logs know servers by their addresses")
        ]
    }

    private var wayProblems: [ConfigurationProblem] {
        if let viaUser, viaUser.contains(":") {
            return [ConfigurationProblem("'via-user' has a colon, which no user of the Basic scheme may have", key: "via-user")]
        }
        if let viaAuth, viaAuth.schemes.isEmpty || Set(viaAuth.schemes).count < viaAuth.schemes.count {
            return [ConfigurationProblem("'via-auth' wants each scheme once, and one at least", key: "via-auth")]
        }
        if viaKeytab != nil, viaAuth?.schemes.contains(.negotiate) != true {
            return [ConfigurationProblem("'via-keytab' is of no use without 'negotiate' in 'via-auth'", key: "via-keytab")]
        }
        if viaKeytab != nil, viaPassword != nil {
            return [ConfigurationProblem("'via-keytab' and 'via-password' stand in for each other", key: "via-keytab")]
        }
        guard viaPassword != nil, viaUser == nil else { return [] }
        return [ConfigurationProblem("'via-password' is of no use without 'via-user'", key: "via-password")]
    }
}

extension ServerAlternatives.Policy: ConfigurationChoice {}

extension ConnectConfiguration: DiallingConfiguration {
    /// The configured server, or `foundOut` where `lifecycle` says the address.
    package var dials: StageSurroundings.Dialled {
        guard case .several(let servers) = to else { return to.known.map { .at($0) } ?? .foundOut }
        // One that is named by its address alone is the one that wants to know more.
        let named = servers.map { HostPort(host: $0.name ?? $0.address.host, port: $0.address.port) }
        return (named.first { IPAddress(host: $0.host) != nil } ?? named.first).map { .at($0) } ?? .foundOut
    }
}

/// Makes the stage `connect`, and says what it is.
public struct ConnectFactory: StageFactory {
    public static let name = "connect"
    public static let summary = "Dials the server, one connection for each event loop, and dials again when one is lost."
    public static let forms = [StageForm(.outbound, .end)]
    public static let needs: HostNeeds = [.background, .network]
    public static let reference = StageReference(
        details: """
            The agent's end: keeps a connection to the server on each event loop. After a loss it dials again, with waits that \
            double from 100 ms to 15 s and are varied by chance, so that many agents don't return at once. A request that wants \
            the tunnel has the server dialled at once, every 100 ms at most.
            """,
        example: """
            - connect: { to: "tunnel.example.org:8443", wait: 10s }
            """,
        metrics: Metrics.all,
        notes: [
            "With several servers in `to`, each is dialled by itself and has a back-off of its own; metrics have the label `server`. In order, the others are dialled while those before them are down, and exchanges go back to one before when it has been up for ten seconds. What a server never began goes to the next. An entry may be `{ at: \"192.0.2.1:8443\", name: exit.example }`, where the certificate has another name than the address.",
            "Where the server is far, ten milliseconds or more, all new clients are served by one event loop, and share its connection: connections of several loops would compete for the line.",
            "With `connections: auto`, mux spreads its streams over eight connections of a loop once the way turns out to lose packets, if one of the two ends sends slower for each that is lost, as `cubic` does. Each has a `session-memory` of its own.",
            "With the codec h2, another connection is opened, up to fifteen on each event loop, when the server takes no more streams on those that there are. It is closed when nobody has used it for 30 s.",
            "A server that says that it is going away is replaced while the exchanges that it has finish.",
            "A proxy of `via` that refuses, by 407, 403 or another 4xx, isn't asked again for minutes by any part of the process, nor with the same credentials after a reload: other credentials are tried at once, and so are all after a restart. Requests get the reason meanwhile, without waiting.",
            "A proxy is asked without user and password first, unless `via-auth` has only `basic`: what it offers decides what it is shown. Credentials that it has refused are shown to it by no other scheme either.",
            "A proxy auto-configuration is fetched without a proxy, asked before each round of attempts, a minute after the last time at the earliest, and evaluated by `libpacparser.so.1` in a process of its own, which is ended after 5 s.",
            "`negotiate` (Kerberos) and `ntlm` go by the system's GSS-API, which is loaded only where `via-auth` has one of them: `libgssapi_krb5.so.2`, and for NTLM the part `gss-ntlmssp`. What they show a proxy is asked for by its name: `via` names it as the realm knows it. NTLM, also as a part of Negotiate, wants `via-user`, as `CORP\\anna`, and `via-password`.",
        ])

    public init() {}

    public func make(_ configuration: ConnectConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        if configuration.to.each.count > 1, context.presence != nil {
            throw StageError(.configuration, "'lifecycle' starts and stops one server: 'to' can't be a list", key: "to")
        }
        if configuration.to == .discover, context.presence?.canDiscover != true {
            throw StageError(.configuration, "'to: discover' needs 'lifecycle' with a 'status-endpoint'", key: "to")
        }
        let routes = try configuration.routes(to: configuration.to.known, in: .process)
        let stage = ConnectStage(configuration: configuration, routes: routes, presence: context.presence)
        try stage.proxies.check(routes)
        if let warning = stage.proxies.warning { context.logger.warning("\(warning)") }
        return stage
    }
}

/// Opens connections, for as long as the pipeline runs.
final class ConnectStage: Stage {
    typealias Input = Outbound
    typealias Output = End
    private let configuration: ConnectConfiguration
    private let routes: [Route]
    private let presence: ServerPresence?
    private let tunnel = TunnelRecord()
    /// Of each server, in their order.
    private let dialers: Mutex<[[NIOLoopBound<Dialer>]]>
    fileprivate let proxies: ProxyTools

    init(configuration: ConnectConfiguration, routes: [Route], presence: ServerPresence?) {
        self.configuration = configuration
        self.routes = routes
        self.presence = presence
        proxies = ProxyTools(configuration)
        dialers = Mutex(Array(repeating: [], count: configuration.to.each.count))
    }

    func assemble(_ downstream: Void, on shard: Shard) throws -> any OutboundPort {
        let servers = configuration.to.each
        guard servers.count > 1 else { return try dialer(to: servers[0], at: 0, on: shard) }
        let ports = try servers.enumerated().map { index, server in
            try shard.counting(apart: .init("server", "\(server)")) {
                let dialer = try dialer(to: server, at: index, on: shard)
                // It is dialled when it is wanted.
                dialer.isSibling = index > 0 && configuration.policy == .inOrder
                return dialer
            }
        }
        ports[0].others = ServerAlternatives(
            policy: configuration.policy, names: servers.map(\.description), ports: Array(ports.dropFirst()))
        return ports[0]
    }

    /// The one of a loop that leads to a server.
    private func dialer(to server: ServerAddress, at index: Int, on shard: Shard) throws -> Dialer {
        // What the environment excepts from proxies may be one of the servers.
        let routes = configuration.to.each.count > 1 ? try configuration.routes(to: server.known, in: .process) : routes
        let make = { [weak self, configuration, presence, proxies, tunnel] in
            let dialer = Dialer(
                configuration: configuration, to: server, routes: routes, presence: presence, shard: shard, proxies: proxies,
                tunnel: tunnel)
            self?.add(dialer, at: index)
            return dialer
        }
        let dialer = make()
        let place = shard.assembling?.part
        dialer.siblings = SiblingDialers(count: configuration.connections.most - 1) {
            place.map { shard.counting(apart: $0, make) } ?? make()
        }
        return dialer
    }

    private func add(_ dialer: Dialer, at index: Int) {
        let bound = NIOLoopBound(dialer, eventLoop: dialer.shard.loop)
        dialers.withLock { $0[index].append(bound) }
    }

    func start() async throws {
        for dialer in dialers.withLock({ $0.joined() }) {
            dialer.eventLoop.execute { if !dialer.value.isSibling { dialer.value.start() } }
        }
    }

    /// As long as one server can be reached there is no problem.
    func status() async -> StageStatus {
        var servers: [ServerStatus] = []
        for dialers in dialers.withLock({ $0 }) { servers.append(await ServerStatus(of: dialers)) }
        guard servers.count > 1 else { return servers[0].status(of: configuration.to) }
        let sought = servers.filter { $0.count > 0 }
        let isDown = !sought.contains { $0.up > 0 }
        var status = StageStatus(problem: isDown ? sought.compactMap(\.problem).joined(separator: "; ") : nil)
        for (server, address) in zip(servers, configuration.to.each) {
            status.details.append(.init(name: "server \(address)", value: server.words))
        }
        return status
    }

    func stop() async {
        for dialer in dialers.withLock({ $0.joined() }) {
            try? await dialer.eventLoop.flatSubmit { dialer.value.stop() }.get()
        }
    }
}

/// How the connections to one server are.
private struct ServerStatus {
    /// Those that are kept open, and those of them that are.
    var count = 0
    var up = 0
    var problem: String?

    init(of dialers: [NIOLoopBound<Dialer>]) async {
        var down: String?
        for dialer in dialers {
            let status = try? await dialer.eventLoop.submit { dialer.value.isSought ? dialer.value.status : nil }.get()
            guard let status else { continue }
            count += 1
            switch status {
            case .up: up += 1
            case .down(let since, let to, let reason):
                down = down ?? "the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)"
            }
        }
        problem = down.map { "\($0) (\(up) of \(count) connections are up)" }
    }

    /// Of one server among several.
    var words: String {
        guard count > 0 else { return "not needed now" }
        return problem ?? "\(up) of \(count) connections are up"
    }

    /// Of the only one.
    func status(of server: ServerAddress) -> StageStatus {
        StageStatus(problem: problem, details: ["server": "\(server)", "connections up": "\(up) of \(count)"])
    }
}
