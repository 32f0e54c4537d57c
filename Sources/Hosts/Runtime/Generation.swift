package import Logging
package import NIOCore
package import Pipeline

/// One running instance of a plan, on its loops.
package final class Generation: Sendable {
    private let plan: Plan
    private let group: any EventLoopGroup
    private let logger: Logger
    private let exchangeLog: (any ExchangeLog)?
    private let telemetry: Telemetry
    private let number: Int?
    private let host: HostKind?

    /// - Parameters:
    ///   - telemetry: What the pipeline tells about itself.
    ///   - host: What runs the pipeline; nil where nobody says.
    ///   - number: Tells the generations of one pipeline apart. Nil for a pipeline that isn't counted.
    package init(
        plan: Plan, group: any EventLoopGroup, logger: Logger, exchangeLog: (any ExchangeLog)?,
        telemetry: Telemetry = Telemetry(), number: Int? = 1, host: HostKind? = nil
    ) {
        self.host = host
        self.telemetry = telemetry
        self.number = number
        self.plan = plan
        self.group = group
        self.logger = logger
        self.exchangeLog = exchangeLog
    }

    /// Assembles the plan on every loop, lets the stages claim what they need, then starts them from the sink to the source, so
    /// that whatever takes something in finds what carries it on. What was started is stopped again when one of them can't.
    package func start() async throws {
        for (index, loop) in group.makeIterator().enumerated() {
            try await loop.submit { [plan, group, logger, exchangeLog, telemetry, number, host] in
                let shard = Shard(
                    loop: loop, group: group, index: index, logger: logger, exchangeLog: exchangeLog, telemetry: telemetry,
                    host: host, tracer: number == nil ? nil : telemetry.tracer)
                try plan.assemble(on: shard)
                if let number { telemetry.add(shard, generation: number) }
            }.get()
        }
        do {
            for entry in plan.stages { try await entry.stage.claim() }
            for entry in plan.stages.reversed() { try await entry.stage.start() }
        } catch {
            await stop()
            throw error
        }
        if number != nil { telemetry.enter(.running, stages: plan.running) }
    }

    /// Has every stage open its files anew, for those that were moved away.
    package func reopenFiles() async {
        for entry in plan.stages { await entry.stage.reopenFiles() }
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

    /// Stops all stages and closes what is still open, at once.
    package func stop() async {
        for entry in plan.stages { await entry.stage.stop() }
    }
}
