public import ConfigurationLanguage
import NIOCore
public import Pipeline

/// What `forward` can be told.
public struct ForwardConfiguration: StageConfiguration {
    /// Where every connection leads.
    public var to = HostPort(host: "localhost", port: 1)

    public init() {}

    public static let schema = Schema<ForwardConfiguration>(
        .required(
            "to", \.to, "Where every connection leads: a name, which is resolved where the tunnel ends, or an address, and a port.")
    )
}

/// Makes the stage `forward`, and says what it is.
public struct ForwardFactory: StageFactory {
    public static let name = "forward"
    public static let summary = "Carries every connection to one fixed place, for programs that know of no proxy."
    public static let forms = [StageForm(.inbound, .exchange)]

    public init() {}

    public func make(_ configuration: ForwardConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        ForwardStage(to: configuration.to, isIdentified: context.surroundings.isBefore(.identifies))
    }
}

/// Takes connections and yields a tunnel for each.
struct ForwardStage: Stage {
    typealias Input = Inbound
    typealias Output = Exchange
    let to: HostPort
    /// Whether a stage behind this one finds out who exchanges are from: then to be there alone doesn't make a client somebody.
    var isIdentified = false

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any InboundPort {
        ForwardPort(authority: to.description, isIdentified: isIdentified, downstream: downstream, shard: shard)
    }
}

final class ForwardPort: InboundPort {
    let authority: String
    let isIdentified: Bool
    let downstream: any ExchangePort
    let shard: Shard
    let scratches = ScratchBuffers()

    init(authority: String, isIdentified: Bool, downstream: any ExchangePort, shard: Shard) {
        self.authority = authority
        self.isIdentified = isIdentified
        self.downstream = downstream
        self.shard = shard
    }

    /// Whatever the client speaks has no name here.
    var protocols: [String] { [] }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(ForwardHandler(connection: connection, port: self))
    }
}
