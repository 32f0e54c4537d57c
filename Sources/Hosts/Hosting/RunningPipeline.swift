import Logging
import NIOCore
import Pipeline
import Stages

/// One configuration at work: its generation, and the admin listener beside it.
struct RunningPipeline: Sendable {
    let configuration: LoadedConfiguration
    let telemetry: Telemetry
    let generation: Generation
    private let admin: Generation?
    private let logger: Logger

    init(
        _ configuration: LoadedConfiguration, plan: Plan, group: any EventLoopGroup, logger: Logger,
        reserved: ReservedAddresses
    ) {
        self.configuration = configuration
        self.logger = logger
        telemetry = Telemetry(reserved: reserved)
        generation = Generation(
            plan: plan, group: group, logger: logger, exchangeLog: ExchangeLogger.make(logger), telemetry: telemetry)
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
    }

    func drain() async {
        telemetry.enter(.draining)
        if await !generation.drain(within: configuration.drain) {
            logger.warning("what was still open was ended", metadata: ["drain": "\(configuration.drain.printed)"])
        }
        await stop()
    }

    func stop() async {
        await generation.stop()
        await admin?.stop()
    }
}
