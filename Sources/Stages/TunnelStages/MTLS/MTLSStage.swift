public import ConfigurationLanguage
import Logging
import NIOCore
import NIOSSL
public import Pipeline

/// What `mtls` can be told.
public struct MTLSConfiguration: StageConfiguration {
    /// This side's certificate, PEM; intermediate certificates may follow it.
    public var certificate = PEMSource.file(FilePath(""))
    /// The certificate's private key, PEM.
    public var key = PEMSource.file(FilePath(""))
    /// The private authority that the other side's certificate must come from, PEM.
    public var ca = PEMSource.file(FilePath(""))
    /// The DNS name or URI that the server's certificate must have; nil for the host that `connect` dials.
    public var name: String?
    /// The folder that says which agents have joined and which are revoked; nil to let in everybody with a certificate.
    public var agents: FolderPath?

    public init() {}

    /// A configuration with everything that is required.
    public init(certificate: PEMSource, key: PEMSource, ca: PEMSource, name: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.ca = ca
        self.name = name
    }

    public static let schema = Schema<MTLSConfiguration>(
        .required("certificate", \.certificate, "This side's certificate, PEM; intermediate certificates may follow it."),
        .required("key", \.key, "The certificate's private key, PEM."),
        .required("ca", \.ca, "The private authority that the other side's certificate must come from, PEM."),
        .optional(
            "name", \.name,
            "The DNS name or URI that the server's certificate must have. The default is the host that 'connect' dials; for a host that is an address it must be set."
        ),
        .optional(
            "agents", \.agents,
            "On a server, the folder that says who has joined, who was here, and whose certificates are revoked: 'fluidity agents' shows and changes it."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        guard let name, PeerName(name) == nil else { return [] }
        return [
            ConfigurationProblem(
                "'\(name)' is neither a DNS name nor a URI", key: "name",
                hint: "a server is known by a name in its certificate, never by its address alone")
        ]
    }
}

/// Makes the stage `mtls`, and says what it is.
public struct MTLSFactory: StageFactory {
    public static let name = "mtls"
    public static let summary = "TLS 1.3 in which both sides show a certificate of the private authority."
    public static let forms = [StageForm(.inbound, .inbound), StageForm(.outbound, .outbound)]
    public static let traits: StageTraits = .verifiesPeers
    public static let reference = StageReference(
        details: """
            Encrypts, and lets through only peers whose certificate comes from the private authority in `ca`. On connections it \
            is the server's side, on outgoing connections the client's; its place in the list decides.

            `fluidity cert` makes the authority and the certificates. Later stages know the client by the names in its \
            certificate.
            """,
        example: """
            - mtls:
                certificate: certs/server.pem
                key: certs/server-key.pem
                ca: certs/ca.pem
            """,
        metrics: Metrics.all,
        notes: [
            "A server is known by a DNS name or a URI in its certificate, never by an address or by its common name.",
            "A handshake has 10 s.",
            "With `agents`, who is revoked is refused, and loses the connections that are open, within two seconds.",
            "Expired certificates, keys that belong to another certificate and the like are found when the program starts.",
        ])

    public init() {}

    public func problems(_ configuration: MTLSConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        surroundings.problems(ofServerName: configuration.name)
    }

    public func make(_ configuration: MTLSConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        let isServer = form.input == .inbound
        let role: TLSCredentials.Role = isServer ? .server : .client
        let sources = [configuration.certificate, configuration.key, configuration.ca]
        let identity = try TLSIdentity(sources, maker: TLSCredentials.maker, context: context) { () throws(StageError) in
            let credentials = try TLSCredentials(
                certificate: configuration.certificate, key: configuration.key, ca: configuration.ca, role: role)
            return TLSMaterial(
                configuration: credentials.configuration(for: role), notAfter: credentials.notAfter, warnings: credentials.warnings)
        }
        if isServer {
            let roster = configuration.agents.map { RosterWatch(Roster(path: $0.path), logger: context.logger) }
            return TLSServerStage(identity: identity, parties: .mutual, metrics: Metrics.handshake, roster: roster)
        }
        guard configuration.agents == nil else {
            throw StageError(
                .configuration, "'agents' is for a server's 'mtls': who dials knows the server by its name", key: "agents")
        }
        return MTLSClientStage(identity: identity, name: configuration.name)
    }
}

/// Takes outgoing connections and yields them encrypted, once the server has proved that it has the name.
struct MTLSClientStage: Stage {
    typealias Input = Outbound
    typealias Output = Outbound
    let identity: TLSIdentity
    let name: String?

    func assemble(_ downstream: any OutboundPort, on shard: Shard) throws -> any OutboundPort {
        Port(identity, name: name, downstream: downstream, shard: shard)
    }

    func start() async throws { identity.start() }
    func stop() async { identity.stop() }
    func status() async -> StageStatus { identity.status }
    func reopenFiles() async { identity.refresh() }

    private final class Port: OutboundLayer {
        private let identity: TLSIdentity
        private let meter: HandshakeMeter
        private let name: String?
        let downstream: any OutboundPort
        private let shard: Shard
        var client: (any OutboundClient)?

        init(_ identity: TLSIdentity, name: String?, downstream: any OutboundPort, shard: Shard) {
            self.identity = identity
            self.meter = HandshakeMeter(on: shard, identity, MTLSFactory.Metrics.handshake)
            self.name = name
            self.downstream = downstream
            self.shard = shard
        }

        func beside(_ downstream: any OutboundPort) -> any OutboundPort {
            Port(identity, name: name, downstream: downstream, shard: shard)
        }

        func configure(_ connection: Outbound) throws {
            let wanted = connection.certificateName ?? name ?? connection.host
            guard let peerName = PeerName(wanted) else {
                throw StageError(
                    .configuration,
                    "'\(wanted)' is an address; set 'name' of 'mtls' to a name in the server's certificate", key: "name")
            }
            let serverName: String? = if case .dns(let dns) = peerName { dns } else { nil }
            let protocols = client?.protocols ?? []
            try identity.offer(protocols)
            let handler = try NIOSSLClientHandler(context: identity.context, serverHostname: serverName)
            let verification = PeerVerificationHandler(
                of: handler, .mutual, shard: shard, role: .client, peer: connection.host, identity: identity, protocols: protocols,
                meter: meter
            ) {
                [weak self, weak connection] peer, negotiatedProtocol throws(StageError) in
                guard let self, let connection else { throw StageError(.unavailable, "nobody wants the connection any longer") }
                guard let peer, peer.carries(peerName) else {
                    let names = peer.map { ForeignText.line($0.names, limit: 200) } ?? "nobody"
                    throw StageError(
                        .configuration,
                        "the server's certificate is for \(names), not for \(peerName); set 'name' of 'mtls', or "
                            + "issue one for that name with 'fluidity cert issue --server'")
                }
                guard protocols.isEmpty || negotiatedProtocol.map(protocols.contains) ?? false else {
                    throw StageError(.configuration, HandshakeProblem.refusedProtocols(protocols))
                }
                connection.identity = peer
                connection.provedAt = .now()
                client?.ready(connection)
            }
            // What went wrong before TLS, at a proxy on the way say, is the reason, not that the handshake came to nothing.
            verification.onFailure = { [weak connection, weak verification] in
                guard let connection, connection.failure == nil else { return }
                connection.failure = $0
                connection.isMismatch = verification?.isMismatch ?? false
            }
            connection.isEncrypted = true
            try connection.channel.pipeline.syncOperations.addHandlers(handler, verification)
            try client?.configure(connection)
        }

        // The same the other way round: what the client wants is asked for in this handshake.
        var protocols: [String] { [] }
    }
}
