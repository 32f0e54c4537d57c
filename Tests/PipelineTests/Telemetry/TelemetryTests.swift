import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Instruments
@testable import Pipeline

@Suite struct TelemetryTests {
    private func shard(_ loop: NIOAsyncTestingEventLoop, _ telemetry: Telemetry, generation: Int, counting count: Int64) async {
        try? await loop.executeInContext {
            let shard = Shard(
                loop: loop, group: loop, index: 0, logger: Logger(label: "test"), telemetry: telemetry)
            shard.metrics.counter(MetricDescription(.counter, "c_total", "C.")).add(count)
            shard.metrics.gauge(MetricDescription(.gauge, "fluidity_accept_connections_open", "G.")).value = count
            telemetry.add(shard, generation: generation)
        }
    }

    /// Lets a loop of the test work while `body` waits for it.
    private func running<Result: Sendable>(
        _ loop: NIOAsyncTestingEventLoop, _ body: @Sendable @escaping () async -> Result
    ) async -> Result {
        let turning = Task {
            while !Task.isCancelled {
                await loop.run()
                await Task.yield()
            }
        }
        defer { turning.cancel() }
        return await body()
    }

    @Test func countsOutliveTheirGenerationAndGaugesDoNot() async {
        let loop = NIOAsyncTestingEventLoop()
        let telemetry = Telemetry()
        await shard(loop, telemetry, generation: 1, counting: 3)
        await shard(loop, telemetry, generation: 2, counting: 4)
        let both = await running(loop) { await telemetry.snapshot() }
        #expect(both["c_total"] == .counter(7))
        #expect(both["fluidity_accept_connections_open"] == .gauge(7))
        await running(loop) { await telemetry.retire(generation: 1) }
        let rest = await running(loop) { await telemetry.snapshot() }
        #expect(rest["c_total"] == .counter(7))
        #expect(rest["fluidity_accept_connections_open"] == .gauge(4))
        let activity = await running(loop) { await telemetry.activity() }
        #expect(activity.openConnections == 4)
        #expect(activity.lastActivity == telemetry.started)
    }
}
