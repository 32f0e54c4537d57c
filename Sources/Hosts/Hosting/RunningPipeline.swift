import Logging
import NIOCore
import Pipeline
import Runtime
import Stages
import Synchronization

/// One configuration at work: its generation, and the admin listener beside it.
struct RunningPipeline: Sendable {
    let configuration: LoadedConfiguration
    let telemetry: Telemetry
    let generation: Generation
    private let admin: Generation?
    private let logger: Logger
    /// Publishes to what the program that embeds this has bootstrapped.
    private let publishing = Publishing()

    private final class Publishing: Sendable {
        let task = Mutex<Task<Void, Never>?>(nil)
    }

    init(
        _ configuration: LoadedConfiguration, plan: Plan, group: any EventLoopGroup, logger: Logger,
        reserved: ReservedAddresses
    ) {
        self.configuration = configuration
        self.logger = logger
        telemetry = Telemetry(reserved: reserved)
        generation = Generation(
            plan: plan, group: group, logger: logger, exchangeLog: ExchangeLogger.make(configuration.log, host: configuration.host),
            telemetry: telemetry)
        admin = configuration.admin.map { [telemetry] settings in
            Generation(
                plan: AdminPipeline.plan(settings, logger: logger), group: group, logger: logger, exchangeLog: nil,
                telemetry: telemetry, number: nil)
        }
    }

    /// The admin listener comes first and goes last, so that it can say that the pipeline isn't ready.
    func start() async throws {
        try await admin?.start()
        do {
            try await generation.start()
        } catch {
            await admin?.stop()
            throw error
        }
        let label = MetricTable.Label("host", configuration.host.rawValue)
        guard let bridge = MetricsBridge(telemetry, labels: [label]) else { return }
        publishing.task.withLock { $0 = Task { await bridge.run() } }
    }

    func drain() async {
        telemetry.enter(.draining)
        if await !generation.drain(within: configuration.drain) {
            logger.warning("what was still open was ended", metadata: ["drain": "\(configuration.drain.printed)"])
        }
        await stop()
    }

    /// What is written to and read from is looked at anew: log files that were moved, certificates that were renewed.
    func reopenFiles() async {
        for entry in telemetry.stages { await entry.stage.reopenFiles() }
    }

    func stop() async {
        let task = publishing.task.withLock { $0 }
        task?.cancel()
        await task?.value
        await generation.stop()
        await admin?.stop()
    }
}
