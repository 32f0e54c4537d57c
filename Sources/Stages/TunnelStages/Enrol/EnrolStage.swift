public import ConfigurationLanguage
import Logging
import NIOCore
public import Pipeline

/// What `enrol` can be told.
public struct EnrolConfiguration: StageConfiguration {
    /// The server's certificate, PEM, as in `mtls`.
    public var certificate = PEMSource.file(FilePath(""))
    /// The certificate's private key, PEM.
    public var key = PEMSource.file(FilePath(""))
    /// The authority's certificate, PEM.
    public var ca = PEMSource.file(FilePath(""))
    /// The authority's private key, PEM: who has it can let in anybody.
    public var caKey = PEMSource.file(FilePath(""))
    /// The folder with the invitations that `fluidity invite` writes.
    public var invitations = FolderPath("")

    public init() {}

    public static let schema = Schema<EnrolConfiguration>(
        .required("certificate", \.certificate, "The server's certificate, PEM, as in 'mtls'."),
        .required("key", \.key, "The certificate's private key, PEM."),
        .required("ca", \.ca, "The authority's certificate, PEM."),
        .required("ca-key", \.caKey, "The authority's private key, PEM: who has it can let in anybody."),
        .required("invitations", \.invitations, "The folder with the invitations that 'fluidity invite' writes.")
    )
}

/// Makes the stage `enrol`, and says what it is.
public struct EnrolFactory: StageFactory {
    public static let name = "enrol"
    public static let summary = "Gives machines that are invited their certificates, on the tunnel's own port."
    public static let forms = [StageForm(.inbound, .inbound)]

    public init() {}

    public func problems(_ configuration: EnrolConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        guard !surroundings.isBefore(.verifiesPeers) else { return [] }
        return [
            .warning(
                "'enrol' hands on connections of anybody, and no stage behind it asks for a certificate", key: "certificate",
                hint: "put it right before 'mtls'")
        ]
    }

    public func make(_ configuration: EnrolConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        EnrolStage(desk: try EnrolmentDesk(configuration, logger: context.logger))
    }
}

/// Takes connections, serves those that speak the protocol of enrolment, and yields the others as they came.
struct EnrolStage: Stage {
    typealias Input = Inbound
    typealias Output = Inbound
    let desk: EnrolmentDesk

    func assemble(_ downstream: any InboundPort, on shard: Shard) throws -> any InboundPort {
        EnrolPort(desk: desk, downstream: downstream, shard: shard)
    }

    func reopenFiles() async { desk.refresh() }
}

/// The stage on one event loop.
final class EnrolPort: InboundPort {
    /// How many may be enrolling at once.
    private static let width = 16

    let desk: EnrolmentDesk
    let downstream: any InboundPort
    let shard: Shard
    let meter: EnrolMeter
    private var open = 0

    init(desk: EnrolmentDesk, downstream: any InboundPort, shard: Shard) {
        self.desk = desk
        self.downstream = downstream
        self.shard = shard
        self.meter = EnrolMeter(on: shard)
    }

    var protocols: [String] { downstream.protocols }
    var takesUnknownProtocols: Bool { downstream.takesUnknownProtocols }
    var admits: Bool { downstream.admits }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(EnrolPeekHandler(connection: connection, port: self))
    }

    /// Whether another may enrol now; who got a place gives it back.
    func take() -> Bool {
        guard open < Self.width else { return false }
        open += 1
        return true
    }

    func giveBack() { open -= 1 }
}

@available(*, unavailable)
extension EnrolPort: Sendable {}
