public import ConfigurationLanguage
import Logging
import NIOCore
import NIOSSL
public import Pipeline
import Platform

/// What `tls` can be told.
public struct TLSStageConfiguration: StageConfiguration {
    /// This side's certificate, PEM; intermediate certificates may follow it. On outgoing connections it is shown to servers that want one.
    public var certificate: PEMSource?
    /// The certificate's private key, PEM.
    public var key: PEMSource?
    /// On outgoing connections: whom the server's certificate may come from, PEM; nil for those that the system trusts.
    public var ca: PEMSource?
    /// On outgoing connections: the DNS name that the server's certificate must have; nil for the host that `connect` dials.
    public var name: String?

    public init() {}

    public static let schema = Schema<TLSStageConfiguration>(
        .optional(
            "certificate", \.certificate,
            "This side's certificate, PEM; intermediate certificates may follow it. After 'accept' it is needed; after exchanges it is shown to a server that wants one."
        ),
        .optional("key", \.key, "The certificate's private key, PEM."),
        .optional(
            "ca", \.ca,
            "After exchanges: the authorities that the server's certificate may come from, PEM. The default is the file that SSL_CERT_FILE names, else the system's."
        ),
        .optional(
            "name", \.name,
            "After exchanges: the DNS name that the server's certificate must have, and that it is asked for. The default is the host that 'connect' dials; for a host that is an address it must be set."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if certificate != nil, key == nil {
            problems.append(ConfigurationProblem("'certificate' is of no use without 'key'", key: "certificate"))
        } else if key != nil, certificate == nil {
            problems.append(ConfigurationProblem("'key' is of no use without 'certificate'", key: "key"))
        }
        guard let name else { return problems }
        if case .dns? = PeerName(name) { return problems }
        problems.append(
            ConfigurationProblem(
                "'\(name)' is no DNS name", key: "name",
                hint: "a server is known by a name in its certificate, never by its address alone"))
        return problems
    }
}

/// Makes the stage `tls`, and says what it is.
public struct TLSFactory: StageFactory {
    public static let name = "tls"
    public static let summary = "Ordinary TLS, in which only the server shows a certificate: as https has it."
    public static let forms = [StageForm(.inbound, .inbound), StageForm(.outbound, .outbound)]

    public init() {}

    public func problems(_ configuration: TLSStageConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        surroundings.problems(ofServerName: configuration.name)
    }

    public func make(_ configuration: TLSStageConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        guard form.input == .outbound else {
            for (key, isSet) in [("ca", configuration.ca != nil), ("name", configuration.name != nil)] where isSet {
                throw StageError(.configuration, "'\(key)' is for the side that opens connections", key: key)
            }
            guard let certificate = configuration.certificate, let key = configuration.key else {
                throw StageError(.configuration, "the side that accepts connections needs the keys 'certificate' and 'key'")
            }
            let identity = try TLSIdentity([certificate, key], maker: nil, context: context) { () throws(StageError) in
                try .server(certificate, key)
            }
            return TLSServerStage(identity: identity, parties: .ordinary, metrics: Metrics.handshake)
        }
        let sources = [configuration.certificate, configuration.key, configuration.ca].compactMap(\.self)
        let identity = try TLSIdentity(sources, maker: nil, context: context) { () throws(StageError) in
            try .client(configuration)
        }
        return TLSClientStage(identity: identity, name: configuration.name)
    }
}

extension TLSMaterial {
    /// What a server shows to anybody. Each error is at its key.
    fileprivate static func server(_ certificate: PEMSource, _ key: PEMSource) throws(StageError) -> TLSMaterial {
        let now = WallTime.seconds
        let own = try OwnCertificate(certificate, key: key, role: .server, maker: nil, now: now)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: own.chain.map { .certificate($0.native) }, privateKey: .privateKey(own.key))
        configuration.minimumTLSVersion = .tlsv12
        return TLSMaterial(
            configuration: configuration, notAfter: own.chain.map(\.notAfter).min(), warnings: own.warnings(maker: nil, now: now))
    }

    /// What a client verifies servers by, and shows to those that want a certificate. Each error is at its key.
    fileprivate static func client(_ wanted: TLSStageConfiguration) throws(StageError) -> TLSMaterial {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.verifySignatureAlgorithms = TLSSignatures.verifiedOfOrigins
        // The name is looked at here, so that who has another one is told which.
        configuration.certificateVerification = .noHostnameVerification
        if let ca = wanted.ca {
            configuration.trustRoots = .certificates(try LoadedCertificate.all(in: PEMFile(ca, key: "ca")).map(\.native))
        } else if let file = SystemTrust.file {
            configuration.trustRoots = .file(file)
        }
        guard let certificate = wanted.certificate, let key = wanted.key else { return TLSMaterial(configuration: configuration) }
        let now = WallTime.seconds
        let own = try OwnCertificate(certificate, key: key, role: .client, maker: nil, now: now)
        configuration.certificateChain = own.chain.map { .certificate($0.native) }
        configuration.privateKey = .privateKey(own.key)
        return TLSMaterial(
            configuration: configuration, notAfter: own.chain.map(\.notAfter).min(), warnings: own.warnings(maker: nil, now: now))
    }
}

/// Takes outgoing connections and yields them encrypted, once the server has proved that it has the name.
struct TLSClientStage: Stage {
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
        private let shard: Shard
        let downstream: any OutboundPort
        var client: (any OutboundClient)?

        init(_ identity: TLSIdentity, name: String?, downstream: any OutboundPort, shard: Shard) {
            self.identity = identity
            self.meter = HandshakeMeter(on: shard, identity, TLSFactory.Metrics.handshake)
            self.name = name
            self.downstream = downstream
            self.shard = shard
        }

        func beside(_ downstream: any OutboundPort) -> any OutboundPort {
            Port(identity, name: name, downstream: downstream, shard: shard)
        }

        // What the client wants is asked for in this handshake.
        var protocols: [String] { [] }

        func configure(_ connection: Outbound) throws {
            let wanted = name ?? connection.host
            guard case .dns(let serverName)? = PeerName(wanted) else {
                throw StageError(
                    .configuration, "'\(wanted)' is an address; set 'name' of 'tls' to a name in the server's certificate",
                    key: "name")
            }
            let protocols = client?.protocols ?? []
            try identity.offer(protocols)
            let handler = try NIOSSLClientHandler(context: identity.context, serverHostname: serverName)
            let verification = PeerVerificationHandler(
                of: handler, .ordinary, shard: shard, role: .client, peer: connection.host, identity: identity,
                protocols: protocols,
                meter: meter
            ) {
                [weak self, weak connection] peer, _ throws(StageError) in
                guard let self, let connection else { throw StageError(.unavailable, "nobody wants the connection any longer") }
                guard let peer, peer.carries(.dns(serverName)) else {
                    let names = peer.map { ForeignText.line($0.names, limit: 200) } ?? "nobody"
                    throw StageError(
                        .configuration,
                        "the certificate of the server is for \(names), not for \(serverName): another server is there, or 'name' of 'tls' "
                            + "has to be one that it has")
                }
                connection.provedAt = .now()
                client?.ready(connection)
            }
            verification.onFailure = { [weak connection, weak verification] in
                guard let connection, connection.failure == nil else { return }
                connection.failure = $0
                connection.isMismatch = verification?.isMismatch ?? false
            }
            connection.isEncrypted = true
            try connection.channel.pipeline.syncOperations.addHandlers(handler, verification)
            try client?.configure(connection)
        }
    }
}
