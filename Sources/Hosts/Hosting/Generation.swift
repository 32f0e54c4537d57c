package import Logging
package import NIOCore
package import Pipeline

/// One running instance of a plan, on its loops.
package final class Generation: Sendable {
    private let plan: Plan
    private let group: any EventLoopGroup
    private let logger: Logger
    private let exchangeLog: (any ExchangeLog)?

    package init(plan: Plan, group: any EventLoopGroup, logger: Logger, exchangeLog: (any ExchangeLog)?) {
        self.plan = plan
        self.group = group
        self.logger = logger
        self.exchangeLog = exchangeLog
    }

    /// Assembles the plan on every loop, then starts the stages from the sink to the source, so that whatever takes something
    /// in finds what carries it on. What was started is stopped again when one of them can't.
    package func start() async throws {
        for (index, loop) in group.makeIterator().enumerated() {
            try await loop.submit { [plan, group, logger, exchangeLog] in
                try plan.assemble(
                    on: Shard(loop: loop, group: group, index: index, logger: logger, exchangeLog: exchangeLog))
            }.get()
        }
        for entry in plan.stages.reversed() {
            do {
                try await entry.stage.start()
            } catch {
                await stop()
                throw error
            }
        }
    }

    /// Takes nothing new and waits until what is open has ended, no longer than `limit`. True if all of it had.
    package func drain(within limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [plan] in
                for entry in plan.stages { await entry.stage.drain() }
                return true
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let finished = await group.next() ?? false
            // A drain that waits for a connection to end ends when the connection is closed.
            if !finished { await stop() }
            group.cancelAll()
            return finished
        }
    }

    /// Ends everything at once.
    package func stop() async {
        for entry in plan.stages { await entry.stage.stop() }
    }
}
