public import ConfigurationLanguage
package import Logging
import NIOCore
public import Pipeline

/// What `admin` can be told.
public struct AdminConfiguration: StageConfiguration {
    /// The host names that it may be asked by, beside addresses and localhost.
    public var names: [String] = []

    public init() {}

    public static let schema = Schema<AdminConfiguration>(
        .optional(
            "names", \.names,
            "Host names that it may be asked by. Addresses and localhost always work; other names don't, so that a site in a browser can't read it."
        )
    )
}

/// Makes the stage `admin`, and says what it is.
public struct AdminFactory: StageFactory {
    public static let name = "admin"
    public static let summary = "Answers for the running pipeline: /livez, /readyz, /metrics and /pipeline."
    public static let forms = [StageForm(.exchange, .end)]

    public init() {}

    public func make(_ configuration: AdminConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        AdminStage(names: configuration.names)
    }
}

/// Takes exchanges and answers them with what the pipeline tells about itself.
struct AdminStage: Stage {
    typealias Input = Exchange
    typealias Output = End
    let names: [String]

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort {
        AdminPort(names: Set(names.map { $0.lowercased() }), shard: shard)
    }
}

/// The pipeline that a file's `admin` key stands for: `accept, http, admin`.
package enum AdminPipeline {
    /// The plan of the admin pipeline: a reserved listener of 64 connections, HTTP in origin-form, and the admin stage.
    package static func plan(_ settings: AdminSettings, logger: Logger) -> Plan {
        var logger = logger
        logger[metadataKey: "stage"] = "admin"
        var accept = AcceptConfiguration()
        accept.listen = settings.listen
        accept.maxConnections = 64
        accept.idle = .seconds(300)
        var http = HTTPConfiguration()
        http.mode = .origin
        http.headTimeout = .seconds(10)
        return Plan.source(AcceptStage(configuration: accept, logger: logger, isReserved: true), named: "accept")
            .then(HTTPStage(configuration: http), named: "http")
            .sink(AdminStage(names: settings.names), named: "admin")
    }
}
