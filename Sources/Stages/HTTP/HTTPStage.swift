import NIOCore
public import Pipeline

public enum HTTPMode: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Requests are in absolute-form or CONNECT, and name any origin.
    case proxy
    /// Requests are in origin-form, for this program.
    case origin
}

public struct HTTPConfiguration: StageConfiguration {
    public var mode = HTTPMode.proxy
    public var keepAlive = Duration.seconds(300)
    public var headTimeout = Duration.seconds(60)

    public init() {}

    public static let schema = Schema<HTTPConfiguration>(
        .optional("mode", \.mode, "Whether clients use this as their proxy or as the origin."),
        .optional(
            "keep-alive", \.keepAlive, in: .milliseconds(100)...(.seconds(86_400)),
            "How long a connection is kept open for the next request."),
        .optional(
            "head-timeout", \.headTimeout, in: .milliseconds(100)...(.seconds(3_600)),
            "How long a client may take to send a request's head.")
    )
}

public struct HTTPFactory: StageFactory {
    public static let name = "http"
    public static let summary = "Speaks HTTP/1.1 with clients: requests in absolute-form, CONNECT and Upgrade."
    public static let forms = [StageForm(.inbound, .exchange)]

    public init() {}

    public func make(_ configuration: HTTPConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        HTTPStage(configuration: configuration)
    }
}

/// Takes connections and yields the requests that come over them.
struct HTTPStage: Stage {
    typealias Input = Inbound
    typealias Output = Exchange
    let configuration: HTTPConfiguration

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any InboundPort {
        HTTPPort(configuration: configuration, downstream: downstream, shard: shard)
    }
}

final class HTTPPort: InboundPort {
    let configuration: HTTPConfiguration
    let downstream: any ExchangePort
    let shard: Shard
    let meter: HTTPMeter
    let scratches = ScratchBuffers()

    init(configuration: HTTPConfiguration, downstream: any ExchangePort, shard: Shard) {
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        self.meter = HTTPMeter(on: shard)
    }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(HTTPServerHandler(connection: connection, port: self))
    }
}
