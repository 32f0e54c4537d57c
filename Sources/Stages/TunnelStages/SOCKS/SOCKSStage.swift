public import ConfigurationLanguage
import NIOCore
public import Pipeline

/// What clients have to show.
public enum SOCKSAuthentication: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Clients that offer a user and a password are asked for them.
    case optional
    /// No client is asked for a user.
    case none
    /// Clients that offer no user and password are refused.
    case password

    var rule: SOCKSNegotiation.Authentication {
        switch self {
        case .optional: .optional
        case .none: .none
        case .password: .password
        }
    }
}

/// What `socks` can be told.
public struct SOCKSConfiguration: StageConfiguration {
    /// Whether clients have to say a user and a password.
    public var authentication = SOCKSAuthentication.optional
    /// How long a client may take until it has said where it wants to go.
    public var negotiationTimeout = Duration.seconds(30)

    public init() {}

    public static let schema = Schema<SOCKSConfiguration>(
        .optional(
            "authentication", \.authentication,
            "Whether clients have to say a user and a password. Whether these are right is checked by 'auth' behind this stage."),
        .optional(
            "negotiation-timeout", \.negotiationTimeout, in: .milliseconds(100)...(.seconds(3_600)),
            "How long a client may take until it has said where it wants to go.")
    )
}

/// Makes the stage `socks`, and says what it is.
public struct SOCKSFactory: StageFactory {
    public static let name = "socks"
    public static let summary = "Speaks SOCKS5 with clients: CONNECT to names and addresses, with or without a password."
    public static let forms = [StageForm(.inbound, .exchange)]
    public static let traits: StageTraits = .takesCredentials

    public init() {}

    public func make(_ configuration: SOCKSConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        SOCKSStage(configuration: configuration, isIdentified: context.surroundings.isBefore(.identifies))
    }
}

/// Takes connections and yields the tunnel that each asks for.
struct SOCKSStage: Stage {
    typealias Input = Inbound
    typealias Output = Exchange
    let configuration: SOCKSConfiguration
    /// Whether a stage behind this one finds out who exchanges are from: then a request alone doesn't make its client somebody.
    var isIdentified = false

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any InboundPort {
        SOCKSPort(configuration: configuration, isIdentified: isIdentified, downstream: downstream, shard: shard)
    }
}

final class SOCKSPort: InboundPort {
    let configuration: SOCKSConfiguration
    let isIdentified: Bool
    let downstream: any ExchangePort
    let shard: Shard
    let scratches = ScratchBuffers()

    init(configuration: SOCKSConfiguration, isIdentified: Bool, downstream: any ExchangePort, shard: Shard) {
        self.configuration = configuration
        self.isIdentified = isIdentified
        self.downstream = downstream
        self.shard = shard
    }

    /// SOCKS has no name in ALPN.
    var protocols: [String] { [] }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(SOCKSHandler(connection: connection, port: self))
    }
}
