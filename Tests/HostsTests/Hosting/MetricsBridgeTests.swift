import Hosting
import Logging
import Metrics
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Instruments
@testable import Pipeline

/// What a factory of an embedder's is given.
@Suite struct MetricsBridgeTests {
    @Test func whatWasCountedSinceIsAdded() async throws {
        let group = MultiThreadedLoop()
        let telemetry = Telemetry()
        let shard = try await group.shard(telemetry)
        let factory = TestMetrics()
        let bridge = MetricsBridge(telemetry, to: factory, labels: [.init("host", "agent")])
        try await shard.eventLoop.submit {
            let table = shard.value.metrics
            table.counter(MetricDescription(.counter, "c_total", "C."), [.init("stage", "x")]).add(3)
            table.gauge(MetricDescription(.gauge, "g", "G.")).value = 7
            table.histogram(MetricDescription(.histogram, "h_seconds", "H."), bounds: [1_000_000_000], scale: 1e-9).record(
                2_000_000_000)
        }.get()
        await bridge.publish()
        await bridge.publish()
        #expect(factory.counters.withLock { $0["c_total{stage=x}{host=agent}"] } == 3)
        #expect(factory.gauges.withLock { $0["g{host=agent}"] } == 7)
        #expect(factory.counters.withLock { $0["h_seconds_count{host=agent}"] } == 1)
        #expect(factory.counters.withLock { $0["h_seconds_sum{host=agent}"] } == 2)
        #expect(factory.counters.withLock { $0["h_seconds_bucket{le=1.0}{host=agent}"] } == nil)
        #expect(factory.counters.withLock { $0["h_seconds_bucket{le=+Inf}{host=agent}"] } == 1)
        try await shard.eventLoop.submit {
            shard.value.metrics.counter(MetricDescription(.counter, "c_total", "C."), [.init("stage", "x")]).add(4)
            shard.value.metrics.gauge(MetricDescription(.gauge, "g", "G.")).value = -1
        }.get()
        await bridge.publish()
        #expect(factory.counters.withLock { $0["c_total{stage=x}{host=agent}"] } == 7)
        #expect(factory.gauges.withLock { $0["g{host=agent}"] } == -1)
        #expect((factory.gauges.withLock { $0["process_resident_memory_bytes{host=agent}"] } ?? 0) > 0)
        try await group.end()
    }

    @Test func nothingIsPublishedWhereNothingIsBootstrapped() {
        #expect(MetricsBridge(Telemetry()) == nil)
    }
}
