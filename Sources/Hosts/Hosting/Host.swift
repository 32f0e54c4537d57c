package import Logging
package import NIOCore
import NIOPosix
package import Pipeline
import Platform
import Runtime

/// Runs configurations until it is asked to end.
package struct Host: Sendable {
    private let configurations: [LoadedConfiguration]
    private let logger: Logger
    private let reload: [@Sendable () throws -> LoadedConfiguration]
    private let changes: AsyncStream<Void>?
    private let companion: @Sendable (LoadedConfiguration, any EventLoopGroup, Logger) -> (any HostCompanion)?

    /// - Parameters:
    ///   - reload: Reads each of the configurations again, for SIGHUP.
    ///   - changes: An element is as SIGHUP: what the configurations are read from has changed.
    ///   - companion: Makes what works beside a configuration's pipeline, where it wants something.
    package init(
        _ configurations: [LoadedConfiguration], logger: Logger,
        reload: [@Sendable () throws -> LoadedConfiguration] = [],
        changes: AsyncStream<Void>? = nil,
        companion: @escaping @Sendable (LoadedConfiguration, any EventLoopGroup, Logger) -> (any HostCompanion)? = { _, _, _ in nil
        }
    ) {
        self.reload = reload
        self.changes = changes
        self.configurations = configurations
        self.logger = logger
        self.companion = companion
    }

    /// Starts every pipeline, the last first, and returns when all have ended after a signal: the first lets what is open
    /// finish, the second ends at once. Throws what kept a pipeline from being made or started.
    package func run() async throws {
        let signals = ShutdownSignals()
        let count = configurations.compactMap(\.eventLoops).max() ?? System.coreCount
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let companions = configurations.map { companion($0, group, logger(for: $0)) }
        let plans: [(LoadedConfiguration, Plan)]
        do {
            plans = try zip(configurations, companions).map { configuration, companion in
                (configuration, try configuration.plan(logger: logger(for: configuration), presence: companion?.presence))
            }
        } catch {
            for companion in companions { await companion?.finish(started: false) }
            try? await group.shutdownGracefully()
            throw error
        }
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
            for companion in companions { await companion?.finish(started: false) }
            try? await group.shutdownGracefully()
            throw error
        }
        // One after the other, whoever asks for it.
        let (reloads, wanted) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let sources = [signals.hangups, changes].compactMap(\.self).map { source in
            Task { for await _ in source { wanted.yield() } }
        }
        let reloading = Task { [running] in
            for await _ in reloads { await hangUp(running, companions) }
        }
        defer { for task in sources + [reloading] { task.cancel() } }
        let signal = await withTaskGroup(of: Void.self) { group in
            for companion in companions { group.addTask { await companion?.run() } }
            defer { group.cancelAll() }
            return await signals.next()
        }
        logger.notice("draining", metadata: ["signal": "\(signal)"])
        for pipeline in running { pipeline.telemetry.enter(.draining) }
        await end(running, companions, signals)
        try? await group.shutdownGracefully()
        logger.notice("ended")
    }

    /// SIGHUP: files are looked at anew, and configurations that have changed replace those that run.
    private func hangUp(_ running: [RunningPipeline], _ companions: [(any HostCompanion)?]) async {
        for pipeline in running { await pipeline.reopenFiles() }
        for ((pipeline, companion), read) in zip(zip(running, companions), reload) {
            do {
                let configuration = try await Self.patiently(read)
                await pipeline.reload(configuration) {
                    try configuration.plan(logger: logger(for: configuration), presence: companion?.presence)
                }
            } catch {
                pipeline.refused(because: error)
                logger.error(
                    "the configuration can't be read; the one before stays in use", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Files can't be read when there are no descriptors left. They are waited for: whoever reloads may want to change just that.
    private static func patiently(_ read: () throws -> LoadedConfiguration) async throws -> LoadedConfiguration {
        for _ in 0..<20 {
            do {
                return try read()
            } catch  where FileDescriptors.process.areExhausted {
                FileDescriptors.process.relieve()
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
        return try read()
    }

    /// Lets what is open finish, and then companions have their last word. Another signal cuts both short.
    private func end(
        _ running: [RunningPipeline], _ companions: [(any HostCompanion)?], _ signals: ShutdownSignals
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // The one that takes clients first: what it still has open needs the others.
                for pipeline in running { await pipeline.drain() }
                for companion in companions { await companion?.finish(started: true) }
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
