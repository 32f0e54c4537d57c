import Addresses
public import ConfigurationLanguage
import Instruments
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
            "How exchanges are shared where there are several servers: 'in-order', all to the first of 'to' that is up, or 'spread', each to the one that has the fewest, and then each address behind a name of 'to' is a server of its own."
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
            if policy == .inOrder { return [] }
            // A name may stand for several.
            if case .fixed(let address) = to, IPAddress(host: address.host) == nil { return [] }
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
            "A name in `to` with several addresses is one server whose addresses are tried in turn; one at which no session comes to be goes last for a minute. With `policy: spread` each address is a server of its own, up to eight for a name and sixteen in all, of the family (IPv4 or IPv6) of the first that takes a connection; metrics have the label `address` beside `server`. Addresses that come are used within seconds of the name servers' new answer, and one that has been gone for a minute gets nothing new. Behind a proxy of `via` a name is one server.",
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

    /// How many servers there may be in all where each address behind a name is one.
    private static let limit = 16

    private let configuration: ConnectConfiguration
    private let routes: [Route]
    private let presence: ServerPresence?
    private let tunnel = TunnelRecord()
    /// Of each server, in their order; of a name whose addresses are servers of their own, of each that it may have.
    private let dialers: Mutex<[[NIOLoopBound<Dialer>]]>
    fileprivate let proxies: ProxyTools

    init(configuration: ConnectConfiguration, routes: [Route], presence: ServerPresence?) {
        self.configuration = configuration
        self.routes = routes
        self.presence = presence
        proxies = ProxyTools(configuration)
        dialers = Mutex([])
    }

    func assemble(_ downstream: Void, on shard: Shard) throws -> any OutboundPort {
        let servers = configuration.to.each
        var ports: [(name: String, dialer: Dialer)] = []
        for (number, server) in servers.enumerated() {
            // What the environment excepts from proxies may be one of the servers.
            let routes = servers.count > 1 ? try configuration.routes(to: server.known, in: .process) : routes
            let place = Place(server: server, routes: routes)
            if let shares = shares(of: place, on: shard) {
                for index in 0..<shares.count {
                    let label = shares.name.label(of: index)
                    let share = NameShare(name: shares.name, index: index)
                    let dialer = shard.counting(apart: label) { self.dialer(to: place, share, at: ports.count, on: shard) }
                    ports.append((label.value, dialer))
                }
                continue
            }
            guard servers.count > 1 else { return self.dialer(to: place, nil, at: 0, on: shard) }
            let dialer = shard.counting(apart: .init("server", "\(server)")) {
                self.dialer(to: place, nil, at: ports.count, on: shard)
            }
            // It is dialled when it is wanted.
            dialer.isSibling = number > 0 && configuration.policy == .inOrder
            ports.append(("\(server)", dialer))
        }
        ports[0].dialer.others = ServerAlternatives(
            policy: configuration.policy, names: ports.map(\.name), ports: ports.dropFirst().map(\.dialer))
        return ports[0].dialer
    }

    /// A server, and the ways to it.
    private struct Place {
        let server: ServerAddress
        let routes: [Route]
    }

    /// Where the addresses behind a server's name are servers of their own: what deals them out, and to how many.
    private func shares(of place: Place, on shard: Shard) -> (name: SharedName, count: Int)? {
        // A proxy looks names up itself.
        guard configuration.policy == .spread, presence == nil, place.routes == [.direct], let address = place.server.known,
            IPAddress(host: address.host) == nil
        else { return nil }
        let count = min(AddressShares.limit, Self.limit / configuration.to.each.count)
        guard count > 1 else { return nil }
        return (SharedName(address, count: count, configuration: configuration, shard: shard), count)
    }

    /// The one of a loop that leads to a server.
    private func dialer(to place: Place, _ share: NameShare?, at index: Int, on shard: Shard) -> Dialer {
        let make = { [weak self, configuration, presence, proxies, tunnel] in
            let dialer = Dialer(
                configuration: configuration, to: place.server, share: share, routes: place.routes, presence: presence,
                shard: shard, proxies: proxies, tunnel: tunnel)
            self?.add(dialer, at: index)
            return dialer
        }
        let dialer = make()
        let part = shard.assembling?.part
        dialer.siblings = SiblingDialers(count: configuration.connections.most - 1) {
            part.map { shard.counting(apart: $0, make) } ?? make()
        }
        return dialer
    }

    private func add(_ dialer: Dialer, at index: Int) {
        let bound = NIOLoopBound(dialer, eventLoop: dialer.shard.loop)
        dialers.withLock { dialers in
            while dialers.count <= index { dialers.append([]) }
            dialers[index].append(bound)
        }
    }

    func start() async throws {
        for dialer in dialers.withLock({ $0.joined() }) {
            dialer.eventLoop.execute { if !dialer.value.isSibling { dialer.value.start() } }
        }
    }

    /// As long as one server can be reached there is no problem.
    func status() async -> StageStatus {
        var servers: [ServerStatus] = []
        for dialers in dialers.withLock({ $0 }) {
            for dialer in dialers {
                guard let view = try? await dialer.eventLoop.submit({ DialerView(dialer.value) }).get() else { continue }
                guard !view.isAbsent else { continue }
                // On another loop its number may have another of a name's addresses.
                let index = servers.firstIndex { $0.name == view.server } ?? servers.count
                if index == servers.count { servers.append(ServerStatus(name: view.server)) }
                servers[index].add(view)
            }
        }
        guard configuration.to.each.count > 1 || servers.count > 1 else {
            return (servers.first ?? ServerStatus(name: "")).status(of: configuration.to)
        }
        let sought = servers.filter { $0.count > 0 }
        let isDown = !sought.contains { $0.up > 0 }
        var status = StageStatus(problem: isDown ? sought.compactMap(\.problem).joined(separator: "; ") : nil)
        for server in servers { status.details.append(.init(name: "server \(server.name)", value: server.words)) }
        return status
    }

    func stop() async {
        for dialer in dialers.withLock({ $0.joined() }) {
            try? await dialer.eventLoop.flatSubmit { dialer.value.stop() }.get()
        }
    }
}
