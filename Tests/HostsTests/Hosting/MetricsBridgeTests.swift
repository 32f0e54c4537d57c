import Hosting
import Logging
import Metrics
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Pipeline

/// What a factory of an embedder's is given.
@Suite struct MetricsBridgeTests {
    private final class TestFactory: MetricsFactory {
        let counters = Mutex<[String: Double]>([:])
        let gauges = Mutex<[String: Double]>([:])

        static func name(_ label: String, _ dimensions: [(String, String)]) -> String {
            label + dimensions.map { "{\($0.0)=\($0.1)}" }.joined()
        }

        final class FloatingCounter: FloatingPointCounterHandler {
            let name: String
            let factory: TestFactory
            init(_ name: String, _ factory: TestFactory) {
                self.name = name
                self.factory = factory
            }
            func increment(by amount: Double) { factory.counters.withLock { $0[name, default: 0] += amount } }
            func reset() { factory.counters.withLock { $0[name] = 0 } }
        }

        final class Recorder: RecorderHandler {
            let name: String
            let factory: TestFactory
            init(_ name: String, _ factory: TestFactory) {
                self.name = name
                self.factory = factory
            }
            func record(_ value: Int64) { record(Double(value)) }
            func record(_ value: Double) { factory.gauges.withLock { $0[name] = value } }
        }

        func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
            FloatingCounter(Self.name(label, dimensions), self)
        }
        func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
            #expect(!aggregate)
            return Recorder(Self.name(label, dimensions), self)
        }
        func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { NOOPMetricsHandler.instance }
        func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { NOOPMetricsHandler.instance }
        func destroyCounter(_ handler: any CounterHandler) {}
        func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
        func destroyRecorder(_ handler: any RecorderHandler) {}
        func destroyTimer(_ handler: any TimerHandler) {}
    }

    @Test func whatWasCountedSinceIsAdded() async throws {
        let group = MultiThreadedLoop()
        let telemetry = Telemetry()
        let shard = try await group.shard(telemetry)
        let factory = TestFactory()
        let bridge = MetricsBridge(telemetry, to: factory, labels: [.init("host", "agent")])
        try await shard.eventLoop.submit {
            let table = shard.value.metrics
            table.counter("c_total", "C.", [.init("stage", "x")]).add(3)
            table.gauge("g", "G.").value = 7
            table.histogram("h_seconds", "H.", bounds: [1_000_000_000], scale: 1e-9).record(2_000_000_000)
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
            shard.value.metrics.counter("c_total", "C.", [.init("stage", "x")]).add(4)
            shard.value.metrics.gauge("g", "G.").value = -1
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
