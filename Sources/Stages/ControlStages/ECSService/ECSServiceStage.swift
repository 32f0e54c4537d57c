import AWS
import AsyncHTTPClient
public import ConfigurationLanguage
import Logging
import NIOCore
public import Pipeline
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Which address of a task agents are told.
public enum ECSTaskAddress: String, Sendable, CaseIterable, ConfigurationChoice {
    /// The one at which it is reached from everywhere, and no other.
    case `public`
    /// The one in its own network.
    case `private`
}

/// What of an ECS service is looked after, and when it counts as idle.
///
/// `cluster`, `service` and `idle-threshold` come from the variables `CLUSTER`, `SERVICE` and `IDLE_THRESHOLD_MINUTES` where
/// the pipeline doesn't say.
public struct ECSServiceConfiguration: StageConfiguration {
    /// What a request does.
    public var action = ECSServiceAction.status
    /// The cluster's name; nil for what the variable `CLUSTER` says.
    public var cluster: String?
    /// The service's name; nil for what the variable `SERVICE` says.
    public var service: String?
    /// The AWS region; nil for what `AWS_REGION` or the shared file says.
    public var region: String?
    /// How long nobody must have used the service before it is put to sleep; nil for `IDLE_THRESHOLD_MINUTES`, else 15 minutes.
    public var idleThreshold: Duration?
    /// How long a task that has just started is left alone.
    public var grace = Duration.seconds(300)
    /// How long the service is left alone after a wake.
    public var cooldown = Duration.seconds(300)
    /// How long a task may take to start before the service is stopped.
    public var startDeadline = Duration.seconds(600)
    /// How many tasks in a row may end by themselves soon after their start before the service is stopped.
    public var crashes = 3
    /// How long a running task may report nothing before the service is stopped, if it can be asked and isn't in use.
    public var missingMetrics = Duration.seconds(1_800)
    /// How long a running task may report nothing before the service is stopped, if nobody can say whether it is in use.
    public var unheard = Duration.seconds(14_400)
    /// How long open streams that move nothing keep the service up.
    public var silentStreams = Duration.seconds(3_600)
    /// How long the service may be up in a row; nil for `MAX_UPTIME_HOURS`, else without limit.
    public var maxUptime: Duration?
    /// How long the service's tasks may run in a day of UTC; nil for `MAX_HOURS_PER_DAY`, else without limit.
    public var maxPerDay: Duration?
    /// How long the service's tasks may run in a month of UTC; nil for `MAX_HOURS_PER_MONTH`, else without limit.
    public var maxPerMonth: Duration?
    /// What the service costs and may cost; nil for what `COST_PER_HOUR`, `BUDGET_PER_MONTH` and `COST_CURRENCY` say.
    public var cost: CostSettings?
    /// The resolution in which the service's metrics are read.
    public var metricsPeriod = Duration.seconds(60)
    /// How old the newest report may be: later ones may be on their way.
    public var metricsDelay = Duration.seconds(300)
    /// The namespace of the service's metrics.
    public var metricsNamespace = "Fluidity"
    /// The value of the metrics' dimension `Service`; nil for the service's name.
    public var metricsService: String?
    /// The port of the task, for `status`.
    public var port = 8_443
    /// Which address of the task `status` gives.
    public var address = ECSTaskAddress.public
    /// How long AWS may take, attempts included.
    public var timeout = Duration.seconds(15)

    public init() {}

    public static let schema = Schema<ECSServiceConfiguration>(
        .required("action", \.action, "What a request does."),
        .optional("cluster", \.cluster, "The cluster's name; by default, what CLUSTER says."),
        .optional("service", \.service, "The service's name; by default, what SERVICE says."),
        .optional("region", \.region, "The AWS region; by default, what AWS_REGION or the shared file says."),
        .optional(
            "idle-threshold", \.idleThreshold, in: .seconds(1)...(.seconds(604_800)),
            "How long nobody must have used the service before it is put to sleep; by default IDLE_THRESHOLD_MINUTES, or 15m."),
        .optional(
            "grace", \.grace, in: .zero...(.seconds(86_400)), "How long a task that has just started is left alone."),
        .optional(
            "cooldown", \.cooldown, in: .zero...(.seconds(86_400)), "How long the service is left alone after a wake."),
        .optional(
            "start-deadline", \.startDeadline, in: .seconds(1)...(.seconds(3_600)),
            "How long a task may take to start before the service is stopped."),
        .optional(
            "crashes", \.crashes, in: 1...10,
            "How many tasks in a row may end by themselves, each within 'idle-threshold' of its start, before the service is stopped."
        ),
        .optional(
            "missing-metrics", \.missingMetrics, in: .seconds(1)...(.seconds(86_400)),
            "How long a running task may report nothing before the service is stopped, if it can be asked and isn't in use."),
        .optional(
            "unheard", \.unheard, in: .seconds(1)...(.seconds(604_800)),
            "How long a running task may report nothing before the service is stopped, if nobody can say whether it is in use."),
        .optional(
            "silent-streams", \.silentStreams, in: .zero...(.seconds(86_400)),
            "How long open streams that move nothing keep the service up."),
        .optional(
            "max-uptime", \.maxUptime, in: .seconds(1)...(.seconds(2_678_400)),
            "How long the service may be up in a row, used or not; by default MAX_UPTIME_HOURS, or without limit."),
        .optional(
            "max-per-day", \.maxPerDay, in: .seconds(1)...(.seconds(3_600_000)),
            "How long its tasks may run in a day of UTC; by default MAX_HOURS_PER_DAY, or without limit."),
        .optional(
            "max-per-month", \.maxPerMonth, in: .seconds(1)...(.seconds(36_000_000)),
            "How long its tasks may run in a month of UTC; by default MAX_HOURS_PER_MONTH, or without limit."),
        .optional(
            "cost", \.cost, "What it costs and may cost; by default what COST_PER_HOUR, BUDGET_PER_MONTH and COST_CURRENCY say."),
        .optional(
            "metrics-period", \.metricsPeriod, in: .seconds(1)...(.seconds(3_600)),
            "The resolution in which the service's metrics are read."),
        .optional(
            "metrics-delay", \.metricsDelay, in: .seconds(1)...(.seconds(3_600)),
            "How old the newest report may be: later ones may be on their way."),
        .optional("metrics-namespace", \.metricsNamespace, "The namespace of the service's metrics."),
        .optional("metrics-service", \.metricsService, "The value of their dimension 'Service'; by default, the service's name."),
        .optional("port", \.port, in: 1...65_535, "The port of the task, for 'status'."),
        .optional(
            "address", \.address,
            "Which address of the task 'status' gives: 'private' is for agents in the task's own network, and asks nothing of EC2."),
        .optional(
            "timeout", \.timeout, in: .milliseconds(100)...(.seconds(600)), "How long AWS may take, attempts included.")
    )
}

/// Makes the stage `ecs-service`, and says what it is.
public struct ECSServiceFactory: StageFactory {
    public static let name = "ecs-service"
    public static let summary = "Wakes an ECS service, puts it to sleep when it is idle, kills it, or says how it is."
    public static let forms = [StageForm(.exchange, .end)]
    public static let needs: HostNeeds = [.network]

    private let environment: [String: String]

    /// A factory that takes what the configuration leaves out from the process's environment.
    public init() {
        self.init(environment: ProcessInfo.processInfo.environment)
    }

    /// A factory that takes what the configuration leaves out from these variables.
    package init(environment: [String: String]) {
        self.environment = environment
    }

    public func make(_ configuration: ECSServiceConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        let settings = try ServiceSettings(configuration, environment: environment)
        return ECSServiceStage(settings: settings, environment: environment, logger: context.logger)
    }
}

/// Takes exchanges and answers each with what its action did.
final class ECSServiceStage: Stage {
    typealias Input = Exchange
    typealias Output = End
    private let settings: ServiceSettings
    private let environment: [String: String]
    private let logger: Logger
    /// One for all loops: what it learns about credentials and clocks is the same for all.
    private let shared = Mutex<(client: HTTPClient, control: ServiceControl)?>(nil)

    init(settings: ServiceSettings, environment: [String: String], logger: Logger) {
        self.settings = settings
        self.environment = environment
        self.logger = logger
    }

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort {
        let control = shared.withLock { shared in
            if let shared { return shared.control }
            let client = HTTPTransport.makeClient(on: shard.group)
            let aws = AWSClient(
                surroundings: AWSSurroundings(environment: environment), region: settings.region,
                transport: HTTPTransport(client: client), logger: logger)
            let control = ServiceControl(settings: settings, client: aws, logger: logger)
            shared = (client, control)
            return control
        }
        return ECSServicePort(control: control, shard: shard)
    }

    func stop() async {
        let client = shared.withLock { shared in
            defer { shared = nil }
            return shared?.client
        }
        try? await client?.shutdown()
    }
}
