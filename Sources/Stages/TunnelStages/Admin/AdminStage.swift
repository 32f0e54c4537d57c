public import ConfigurationLanguage
package import Logging
import NIOCore
public import Pipeline
import Synchronization

/// What `admin` can be told.
public struct AdminConfiguration: StageConfiguration {
    /// The host names that it may be asked by, beside addresses and localhost.
    public var names: [String] = []
    /// What whoever sees what people do, or changes something, has to know; nil where only this machine may.
    public var token: Secret?

    public init() {}

    public static let schema = Schema<AdminConfiguration>(
        .optional(
            "names", \.names,
            "Host names that it may be asked by. Addresses and localhost always work; other names don't, so that a site in a browser can't read it."
        ),
        .optional(
            "token", \.token,
            "What has to be shown for whatever tells of people or changes something. Without one, only connections to this machine's own addresses may."
        )
    )
}

/// Makes the stage `admin`, and says what it is.
public struct AdminFactory: StageFactory {
    public static let name = "admin"
    public static let summary =
        "Answers for the running pipeline: a live page, /livez, /readyz, /metrics, and what is open, as JSON."
    public static let forms = [StageForm(.exchange, .end)]

    public init() {}

    public func make(_ configuration: AdminConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        AdminStage(names: configuration.names, token: configuration.token)
    }
}

/// Takes exchanges and answers them with what the pipeline tells about itself.
final class AdminStage: Stage {
    typealias Input = Exchange
    typealias Output = End
    private let gate: AdminGate
    private let history = RecentHistory()
    private let feeds = LiveFeeds()
    private let telemetry = Mutex<Telemetry?>(nil)

    init(names: [String], token: Secret?) { gate = AdminGate(names: names, token: token?.revealed) }

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort {
        telemetry.withLock { $0 = shard.telemetry }
        return AdminPort(gate: gate, history: history, feeds: feeds, shard: shard)
    }

    func start() async throws {
        if let telemetry = telemetry.withLock({ $0 }) { history.start(telemetry) }
    }

    func stop() async { history.stop() }
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
            .sink(AdminStage(names: settings.names, token: settings.token), named: "admin")
    }
}
