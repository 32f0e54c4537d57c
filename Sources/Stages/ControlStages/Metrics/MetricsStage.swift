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

    public init() {}

    public static let schema = Schema<MetricsConfiguration>(
        .optional("cloudwatch", \.cloudwatch, "Reports to Amazon CloudWatch how much the pipeline is used.")
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
        return MetricsStage(configuration: configuration, service: service, logger: context.logger)
    }
}

/// Stands among the exchanges and doesn't touch them: the loops count by themselves, and a reporter asks them.
final class MetricsStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    private let configuration: MetricsConfiguration
    private let service: String?
    private let logger: Logger
    private let reporter = Mutex<CloudWatchReporter?>(nil)

    init(configuration: MetricsConfiguration, service: String?, logger: Logger) {
        self.configuration = configuration
        self.service = service
        self.logger = logger
    }

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        let failures = NIOLoopBound(
            shard.metrics.counter(MetricsFactory.Metrics.failures, shard.assembling?.labels ?? []), eventLoop: shard.loop)
        guard let settings = configuration.cloudwatch, let service else { return downstream }
        reporter.withLock { reporter in
            guard reporter == nil else { return }
            reporter = CloudWatchReporter(
                settings: settings, service: service, telemetry: shard.telemetry, group: shard.group, logger: logger,
                failed: { failures.eventLoop.execute { failures.value.add() } })
        }
        return downstream
    }

    func start() async throws { reporter.withLock { $0 }?.start() }
    func stop() async { await reporter.withLock { $0 }?.stop() }
}
