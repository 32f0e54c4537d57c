import Metrics
import Synchronization
import Testing

/// What an embedder's factory is given, by name and labels.
final class TestMetrics: MetricsFactory {
    let counters = Mutex<[String: Double]>([:])
    let gauges = Mutex<[String: Double]>([:])

    static func name(_ label: String, _ dimensions: [(String, String)]) -> String {
        label + dimensions.map { "{\($0.0)=\($0.1)}" }.joined()
    }

    final class FloatingCounter: FloatingPointCounterHandler {
        let name: String
        let factory: TestMetrics
        init(_ name: String, _ factory: TestMetrics) {
            self.name = name
            self.factory = factory
        }
        func increment(by amount: Double) { factory.counters.withLock { $0[name, default: 0] += amount } }
        func reset() { factory.counters.withLock { $0[name] = 0 } }
    }

    final class Recorder: RecorderHandler {
        let name: String
        let factory: TestMetrics
        init(_ name: String, _ factory: TestMetrics) {
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
