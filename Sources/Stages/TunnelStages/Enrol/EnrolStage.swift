import Addresses
public import ConfigurationLanguage
import Logging
import NIOCore
public import Pipeline

/// What `enrol` can be told.
public struct EnrolConfiguration: StageConfiguration {
    /// The server's certificate, PEM, as in `mtls`.
    public var certificate: PEMSource?
    /// The certificate's private key, PEM.
    public var key: PEMSource?
    /// The authority's certificate, PEM.
    public var ca: PEMSource?
    /// The authority's private key, PEM: who has it can let in anybody.
    public var caKey: PEMSource?
    /// The folder with the invitations that `fluidity invite` writes.
    public var invitations: FolderPath?
    /// Another server with this stage, which has all that is above: connections that enrol are carried there.
    public var desk: ListenAddress?
    /// The folder in which it is noted who has joined, as in `mtls`; nil to note nothing.
    public var agents: FolderPath?

    public init() {}

    public static let schema = Schema<EnrolConfiguration>(
        .optional("certificate", \.certificate, "The server's certificate, PEM, as in 'mtls'."),
        .optional("key", \.key, "The certificate's private key, PEM."),
        .optional("ca", \.ca, "The authority's certificate, PEM."),
        .optional("ca-key", \.caKey, "The authority's private key, PEM: who has it can let in anybody."),
        .optional("invitations", \.invitations, "The folder with the invitations that 'fluidity invite' writes."),
        .optional(
            "desk", \.desk,
            "In place of these five, where the machine is that has them: the address and port of a server with this stage, or unix:PATH. Connections that enrol are carried there as they are."
        ),
        .optional(
            "agents", \.agents,
            "The folder in which it is noted who has joined, the same as in 'mtls': 'fluidity agents' shows and revokes them.")
    )

    public func validate() -> [ConfigurationProblem] {
        let own: [(name: String, isThere: Bool)] = [
            ("certificate", certificate != nil), ("key", key != nil), ("ca", ca != nil), ("ca-key", caKey != nil),
            ("invitations", invitations != nil), ("agents", agents != nil),
        ]
        guard let desk else {
            return own.dropLast().filter { !$0.isThere }.map { missing in
                ConfigurationProblem(
                    "'\(missing.name)' is missing",
                    hint: "it needs all of certificate, key, ca, ca-key and invitations, or 'desk' alone")
            }
        }
        var problems = own.filter(\.isThere).map { other in
            ConfigurationProblem(
                "'\(other.name)' is the desk's, which 'desk' names", key: other.name, hint: "leave it out here")
        }
        if case .tcp(let host, let port) = desk, port == 0 || IPAddress(host: host) == nil {
            problems.append(
                ConfigurationProblem(
                    "'desk' is an address and a port, or unix:PATH, not '\(desk)'", key: "desk",
                    hint: "names aren't looked up here; 'fluidity invite' is run there"))
        }
        return problems
    }

    /// The desk's address as the system has it; nil where this stage is the desk.
    func deskAddress() throws -> SocketAddress? {
        switch desk {
        case nil: nil
        case .tcp(let host, let port)?: try SocketAddress(ipAddress: host, port: port)
        case .unix(let path)?: try SocketAddress(unixDomainSocketPath: path)
        }
    }
}

/// Makes the stage `enrol`, and says what it is.
public struct EnrolFactory: StageFactory {
    public static let name = "enrol"
    public static let summary = "Gives machines that are invited their certificates, on the tunnel's own port."
    public static let forms = [StageForm(.inbound, .inbound)]

    public init() {}

    public func problems(_ configuration: EnrolConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        // It would carry everything to itself, until no place is left.
        if let desk = configuration.desk, surroundings.listensBefore.contains(where: { Self.leads(desk, to: $0) }) {
            problems.append(
                ConfigurationProblem(
                    "'desk' is \(desk), where this server listens itself", key: "desk",
                    hint: "name the server that has the authority's key"))
        }
        if !surroundings.isBefore(.verifiesPeers) {
            problems.append(
                .warning(
                    "'enrol' hands on connections of anybody, and no stage behind it asks for a certificate", key: "certificate",
                    hint: "put it right before 'mtls'"))
        }
        return problems
    }

    /// Whether a desk is surely reached where somebody listens: for all addresses of a machine, only what is never another machine's.
    private static func leads(_ desk: ListenAddress, to listen: ListenAddress) -> Bool {
        guard listen != desk else { return true }
        guard case .tcp(let here, let port) = listen, case .tcp(let there, port) = desk,
            let listened = IPAddress(host: here), let dialled = IPAddress(host: there)
        else { return false }
        return listened.isUnspecified && dialled.isThisMachine
    }

    public func make(_ configuration: EnrolConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        guard let desk = try configuration.deskAddress() else {
            return EnrolStage(desk: .here(try EnrolmentDesk(configuration, logger: context.logger)))
        }
        return EnrolStage(desk: .at(desk))
    }
}

/// Where certificates are granted.
enum EnrolmentPlace {
    case here(EnrolmentDesk)
    case at(SocketAddress)
}

/// Takes connections, serves those that speak the protocol of enrolment, and yields the others as they came.
struct EnrolStage: Stage {
    typealias Input = Inbound
    typealias Output = Inbound
    let desk: EnrolmentPlace

    func assemble(_ downstream: any InboundPort, on shard: Shard) throws -> any InboundPort {
        EnrolPort(desk: desk, downstream: downstream, shard: shard)
    }

    private var ownDesk: EnrolmentDesk? { if case .here(let desk) = desk { desk } else { nil } }

    func start() async throws { ownDesk?.start() }
    func stop() async { ownDesk?.stop() }
    func reopenFiles() async { ownDesk?.refresh() }
}

/// The stage on one event loop.
final class EnrolPort: InboundPort {
    /// How many may be enrolling at once.
    static let width = 16
    /// How many of them one client may have, so that who guesses codes leaves places to others. Where they are carried to a desk, it is fewer:
    /// to the desk all of them are one client, this server.
    private let widthOfOne: Int
    /// How long it isn't said again that there is no place.
    private static let silence = TimeAmount.seconds(10)

    let desk: EnrolmentPlace
    let downstream: any InboundPort
    let shard: Shard
    let meter: EnrolMeter
    private var open = 0
    private var openOfEach: [ClientNetwork: Int] = [:]
    private var nextWarning = NIODeadline.now()

    init(desk: EnrolmentPlace, downstream: any InboundPort, shard: Shard) {
        self.desk = desk
        self.downstream = downstream
        self.shard = shard
        self.meter = EnrolMeter(on: shard)
        widthOfOne = if case .here = desk { 12 } else { 4 }
    }

    var protocols: [String] { downstream.protocols }
    var takesUnknownProtocols: Bool { downstream.takesUnknownProtocols }
    var admits: Bool { downstream.admits }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(
            FirstBytesHandler(EnrolReader(connection: connection, port: self), on: shard, within: EnrolReader.patience))
    }

    /// Whether another of this client may enrol now; who got a place gives it back. That there is none is counted, and said.
    func take(for connection: Inbound) -> Bool {
        let own = openOfEach[connection.network] ?? 0
        guard open < Self.width, own < widthOfOne else {
            meter.ended(.busy)
            warn(ofNoPlaceFor: connection)
            return false
        }
        open += 1
        openOfEach[connection.network] = own + 1
        return true
    }

    /// Returns the place of a connection that has got one.
    func giveBack(from connection: Inbound) {
        open -= 1
        let own = (openOfEach[connection.network] ?? 1) - 1
        openOfEach[connection.network] = own > 0 ? own : nil
    }

    /// Whoever wants to shut out others can't fill the log with it.
    private func warn(ofNoPlaceFor connection: Inbound) {
        let now = NIODeadline.now()
        guard now >= nextWarning else { return }
        nextWarning = now + Self.silence
        shard.logger.warning("too many ask to join at once; this one is refused", metadata: ["remote": "\(connection.remote)"])
    }
}

@available(*, unavailable)
extension EnrolPort: Sendable {}
