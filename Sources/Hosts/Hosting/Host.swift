package import Logging
import NIOCore
import NIOPosix
package import Pipeline

/// Runs configurations until it is asked to end.
package struct Host: Sendable {
    private let configurations: [LoadedConfiguration]
    private let logger: Logger
    private let reload: [@Sendable () throws -> LoadedConfiguration]

    /// - Parameter reload: Reads each of the configurations again, for SIGHUP.
    package init(
        _ configurations: [LoadedConfiguration], logger: Logger,
        reload: [@Sendable () throws -> LoadedConfiguration] = []
    ) {
        self.reload = reload
        self.configurations = configurations
        self.logger = logger
    }

    /// Starts every pipeline, the last first, and returns when all have ended after a signal: the first lets what is open
    /// finish, the second ends at once. Throws what kept a pipeline from being made or started.
    package func run() async throws {
        let signals = ShutdownSignals()
        let plans = try configurations.map { configuration in
            try (configuration, configuration.plan(logger: logger(for: configuration)))
        }
        let count = configurations.compactMap(\.eventLoops).max() ?? System.coreCount
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let reserved = ReservedAddresses()
        var running: [RunningPipeline] = []
        do {
            for (configuration, plan) in plans.reversed() {
                let pipeline = RunningPipeline(
                    configuration, plan: plan, group: group, logger: logger(for: configuration), reserved: reserved)
                try await pipeline.start()
                running.insert(pipeline, at: 0)
            }
        } catch {
            for pipeline in running { await pipeline.stop() }
            try? await group.shutdownGracefully()
            throw error
        }
        let hangups = Task { [running] in
            for await _ in signals.hangups { await hangUp(running) }
        }
        defer { hangups.cancel() }
        let signal = await signals.next()
        logger.notice("draining", metadata: ["signal": "\(signal)"])
        for pipeline in running { pipeline.telemetry.enter(.draining) }
        await drain(running, signals)
        try? await group.shutdownGracefully()
        await ExchangeLogger.flush()
        logger.notice("ended")
    }

    /// SIGHUP: files are looked at anew, and configurations that have changed replace those that run.
    private func hangUp(_ running: [RunningPipeline]) async {
        for pipeline in running { await pipeline.reopenFiles() }
        for (pipeline, read) in zip(running, reload) {
            do {
                let configuration = try read()
                await pipeline.reload(configuration) {
                    try configuration.plan(logger: logger(for: configuration))
                }
            } catch {
                logger.error(
                    "the configuration can't be read; the one before stays in use", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func drain(_ running: [RunningPipeline], _ signals: ShutdownSignals) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // The one that takes clients first: what it still has open needs the others.
                for pipeline in running { await pipeline.drain() }
            }
            group.addTask {
                _ = await signals.next()
                guard !Task.isCancelled else { return }
                for pipeline in running { await pipeline.stop() }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func logger(for configuration: LoadedConfiguration) -> Logger {
        var logger = logger
        logger[metadataKey: "host"] = "\(configuration.host.rawValue)"
        return logger
    }
}
