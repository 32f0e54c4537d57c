package import Logging
package import NIOCore
import NIOPosix
package import Pipeline
import Platform
import Runtime
import TunnelStages

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
        let manager = ServiceManager()
        let count = configurations.compactMap(\.eventLoops).max() ?? System.coreCount
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let companions = configurations.map { companion($0, group, logger(for: $0)) }
        let plans: [(configuration: LoadedConfiguration, plan: Plan, audit: AuditLog?)]
        do {
            plans = try zip(configurations, companions).map { configuration, companion in
                let audit = configuration.audit.map { AuditLog(to: $0.to) }
                let plan = try configuration.plan(
                    logger: logger(for: configuration), presence: companion?.presence, audit: audit)
                return (configuration, plan, audit)
            }
        } catch {
            for companion in companions { await companion?.finish(started: false) }
            try? await group.shutdownGracefully()
            throw error
        }
        let reserved = ReservedAddresses()
        var running: [RunningPipeline] = []
        do {
            for ((configuration, plan, audit), companion) in zip(plans, companions).reversed() {
                let pipeline = RunningPipeline(
                    configuration, plan: plan, group: group, logger: logger(for: configuration), reserved: reserved,
                    audit: audit, ownAddress: companion?.ownAddress)
                try await pipeline.start()
                running.insert(pipeline, at: 0)
            }
        } catch {
            for pipeline in running { await pipeline.stop() }
            for companion in companions { await companion?.finish(started: false) }
            try? await group.shutdownGracefully()
            throw error
        }
        for configuration in configurations {
            logger(for: configuration).notice(
                "started",
                metadata: [
                    "version": "\(ProgramVersion.number)", "configuration": "\(configuration.hash256.prefix(12))",
                    "file": "\(configuration.file)", "event-loops": "\(count)",
                ])
        }
        let listened = configurations.flatMap(\.listeners).map(\.address)
        for address in InheritedSockets.process.unused(by: listened) {
            logger.warning(
                "the service manager listens there for this program, and no 'accept' does", metadata: ["address": "\(address)"])
        }
        for problem in InheritedSockets.process.problems { logger.warning("\(problem)") }
        manager.tell(.ready)
        let watchdog = Task { await manager.watch(group) }
        defer { watchdog.cancel() }
        // One after the other, whoever asks for it.
        let line = ReloadLine()
        let reloaders = zip(zip(running, companions), reload).map { entry, read in
            let (pipeline, companion) = entry
            return { @Sendable in await line.wait { await self.reload(pipeline, companion, read) } }
        }
        for (pipeline, reloader) in zip(running, reloaders) { pipeline.reload(by: reloader) }
        let hangups = [signals.hangups, changes].compactMap(\.self).map { source in
            Task { [running] in
                for await _ in source {
                    manager.tell(.reloading)
                    for pipeline in running { await pipeline.reopenFiles() }
                    var problem: String?
                    for reload in reloaders {
                        let report = await reload()
                        if report.result == .refused { problem = report.message }
                    }
                    manager.tell(.reloaded(problem))
                }
            }
        }
        defer { for task in hangups { task.cancel() } }
        let signal = await withTaskGroup(of: Void.self) { group in
            for companion in companions { group.addTask { await companion?.run() } }
            for pipeline in running { group.addTask { await pipeline.showReadiness() } }
            defer { group.cancelAll() }
            return await signals.next()
        }
        manager.tell(.stopping(signal))
        logger.notice("draining", metadata: ["signal": "\(signal)"])
        for pipeline in running { pipeline.telemetry.enter(.draining) }
        await end(running, companions, signals)
        watchdog.cancel()
        await watchdog.value
        try? await group.shutdownGracefully()
        logger.notice("ended")
    }

    /// A configuration that has changed replaces the one that runs.
    private func reload(
        _ pipeline: RunningPipeline, _ companion: (any HostCompanion)?, _ read: @Sendable () throws -> LoadedConfiguration
    ) async -> ReloadReport {
        do {
            let configuration = try await Self.patiently(read)
            return await pipeline.reload(configuration) {
                try configuration.plan(logger: logger(for: configuration), presence: companion?.presence, audit: pipeline.audit)
            }
        } catch {
            logger.error(
                "the configuration can't be read; the one before stays in use", metadata: ["reason": "\(error)"])
            return pipeline.refuse(because: error)
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
