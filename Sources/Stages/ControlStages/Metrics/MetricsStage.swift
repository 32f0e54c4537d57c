public import ConfigurationLanguage
import Instruments
import Logging
import NIOCore
public import Pipeline
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What `metrics` can be told.
public struct MetricsConfiguration: StageConfiguration {
    /// Where in CloudWatch the pipeline's use is reported; nil for nowhere.
    public var cloudwatch: CloudWatchSettings?
    /// How the task of ECS that the pipeline runs in is protected; nil for the default ways where `cloudwatch` is set.
    public var taskProtection: TaskProtectionSettings?

    public init() {}

    public static let schema = Schema<MetricsConfiguration>(
        .optional("cloudwatch", \.cloudwatch, "Reports to Amazon CloudWatch how much the pipeline is used."),
        .optional(
            "task-protection", \.taskProtection,
            "Protects the task of ECS while it is in use; by default where 'cloudwatch' is set and ECS_AGENT_URI is there.")
    )
}

/// Makes the stage `metrics`, and says what it is.
public struct MetricsFactory: StageFactory {
    public static let name = "metrics"
    public static let summary = "Reports how much the pipeline is used."
    public static let forms = [StageForm(.exchange, .exchange)]
    public static let needs: HostNeeds = [.background]

    public init() {}

    public func make(_ configuration: MetricsConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        let environment = ProcessInfo.processInfo.environment
        let reported = context.offers.contains(.network) ? configuration.cloudwatch : nil
        let service = try reported.map { try CloudWatchReporter.service($0, environment) }
        return MetricsStage(
            configuration: configuration, service: service, environment: environment, isOnline: context.offers.contains(.network),
            logger: context.logger)
    }
}

/// Stands among the exchanges. The loops count by themselves, and a reporter asks them; exchanges are only touched when they come while
/// the task isn't protected.
final class MetricsStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    private let configuration: MetricsConfiguration
    private let service: String?
    private let environment: [String: String]
    private let isOnline: Bool
    private let logger: Logger
    private let reporter = Mutex<CloudWatchReporter?>(nil)
    private let keeper = Mutex<TaskKeeper?>(nil)

    init(
        configuration: MetricsConfiguration, service: String?, environment: [String: String], isOnline: Bool, logger: Logger
    ) {
        self.configuration = configuration
        self.service = service
        self.environment = environment
        self.isOnline = isOnline
        self.logger = logger
    }

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        let labels = shard.assembling?.labels ?? []
        let failures = NIOLoopBound(shard.metrics.counter(MetricsFactory.Metrics.failures, labels), eventLoop: shard.loop)
        let port = protected(downstream, labels, on: shard)
        guard let settings = configuration.cloudwatch, let service else { return port }
        reporter.withLock { reporter in
            guard reporter == nil else { return }
            reporter = CloudWatchReporter(
                settings: settings, service: service, telemetry: shard.telemetry, group: shard.group, logger: logger,
                failed: { failures.eventLoop.execute { failures.value.add() } })
        }
        return port
    }

    /// The port behind the gate of a task that protects itself, or as it is.
    private func protected(
        _ downstream: any ExchangePort, _ labels: [MetricTable.Label], on shard: Shard
    ) -> any ExchangePort {
        let gauge = NIOLoopBound(shard.metrics.gauge(MetricsFactory.Metrics.isProtected, labels), eventLoop: shard.loop)
        let failures = NIOLoopBound(
            shard.metrics.counter(MetricsFactory.Metrics.protectionFailures, labels), eventLoop: shard.loop)
        let settings = configuration.taskProtection ?? TaskProtectionSettings()
        guard isOnline, settings.enabled, environment["ECS_AGENT_URI"]?.isEmpty == false,
            configuration.cloudwatch != nil || configuration.taskProtection != nil
        else {
            return downstream
        }
        let kept = keeper.withLock { keeper in
            if keeper == nil {
                keeper = TaskKeeper(
                    settings: settings, service: service ?? environment["SERVICE"], region: configuration.cloudwatch?.region,
                    environment: environment, telemetry: shard.telemetry, group: shard.group, logger: logger,
                    observe: { isProtected, hasFailed in
                        gauge.eventLoop.execute {
                            gauge.value.value = isProtected ? 1 : 0
                            if hasFailed { failures.value.add() }
                        }
                    }, leave: ProcessEnding.request)
            }
            return keeper
        }
        guard let kept else { return downstream }
        let hold = TimeAmount.nanoseconds(Int64(settings.hold / .nanoseconds(1)))
        return ProtectionPort(next: downstream, gate: kept.gate, hold: hold, shard: shard)
    }

    func start() async throws {
        keeper.withLock { $0 }?.start()
        reporter.withLock { $0 }?.start()
    }

    func stop() async {
        await keeper.withLock { $0 }?.stop()
        await reporter.withLock { $0 }?.stop()
    }
}
