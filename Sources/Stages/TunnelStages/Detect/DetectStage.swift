public import ConfigurationLanguage
import NIOCore
public import Pipeline

extension HTTPConfiguration: NestedConfiguration {}
extension SOCKSConfiguration: NestedConfiguration {}

/// What `detect` can be told.
public struct DetectConfiguration: StageConfiguration {
    /// The keys of `http`, for clients that speak it.
    public var http = HTTPConfiguration()
    /// The keys of `socks`, for clients that speak it.
    public var socks = SOCKSConfiguration()
    /// How long a client may take until its first byte.
    public var timeout = Duration.seconds(60)

    public init() {}

    public static let schema = Schema<DetectConfiguration>(
        .optional("http", \.http, "The keys of 'http', for clients that speak it."),
        .optional("socks", \.socks, "The keys of 'socks', for clients that speak it."),
        .optional(
            "timeout", \.timeout, in: .milliseconds(100)...(.seconds(3_600)),
            "How long a client may take until its first byte.")
    )
}

/// Makes the stage `detect`, and says what it is.
public struct DetectFactory: StageFactory {
    public static let name = "detect"
    public static let summary = "Serves HTTP and SOCKS5 on one listener, told apart by a connection's first byte."
    public static let forms = [StageForm(.inbound, .exchange)]
    public static let traits: StageTraits = .takesCredentials

    public init() {}

    public func make(_ configuration: DetectConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        DetectStage(configuration: configuration, isIdentified: context.surroundings.isBefore(.identifies))
    }
}

/// Takes connections and hands each to the protocol that its first byte belongs to.
struct DetectStage: Stage {
    typealias Input = Inbound
    typealias Output = Exchange
    let configuration: DetectConfiguration
    let isIdentified: Bool

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any InboundPort {
        DetectPort(
            http: try HTTPStage(configuration: configuration.http, isIdentified: isIdentified).assemble(downstream, on: shard),
            socks: try SOCKSStage(configuration: configuration.socks, isIdentified: isIdentified).assemble(downstream, on: shard),
            timeout: TimeAmount(configuration.timeout), shard: shard)
    }
}

final class DetectPort: InboundPort {
    let http: any InboundPort
    let socks: any InboundPort
    let timeout: TimeAmount
    let shard: Shard

    init(http: any InboundPort, socks: any InboundPort, timeout: TimeAmount, shard: Shard) {
        self.http = http
        self.socks = socks
        self.timeout = timeout
        self.shard = shard
    }

    var protocols: [String] { http.protocols }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(
            FirstBytesHandler(DetectReader(connection: connection, port: self), on: shard, within: timeout))
    }
}
