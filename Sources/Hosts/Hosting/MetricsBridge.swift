package import Instruments
package import Metrics
package import Pipeline
import Synchronization

/// Publishes a pipeline's metrics through swift-metrics, for programs that embed pipelines and have bootstrapped a
/// `MetricsFactory` of theirs. Every interval it adds what was counted since the last; histograms become counters of their
/// buckets, sum and count, by the names that they have in Prometheus.
package final class MetricsBridge: Sendable {
    private struct Published {
        var counters: [MetricTable.Key: (handler: any FloatingPointCounterHandler, last: Double)] = [:]
        var gauges: [MetricTable.Key: any RecorderHandler] = [:]
    }

    private let telemetry: Telemetry
    private let factory: any MetricsFactory
    private let labels: [MetricTable.Label]
    private let published = Mutex(Published())

    /// - Parameter labels: Added to every series, to tell the pipelines of one program apart.
    package init(_ telemetry: Telemetry, to factory: any MetricsFactory, labels: [MetricTable.Label] = []) {
        self.telemetry = telemetry
        self.factory = factory
        self.labels = labels
    }

    /// A bridge to what the program has bootstrapped, or nil if it has nothing.
    package convenience init?(_ telemetry: Telemetry, labels: [MetricTable.Label] = []) {
        guard !(MetricsSystem.factory is NOOPMetricsHandler) else { return nil }
        self.init(telemetry, to: MetricsSystem.factory, labels: labels)
    }

    /// Publishes until the task is cancelled, and once more then.
    package func run(every interval: Duration = .seconds(10)) async {
        while !Task.isCancelled {
            await publish()
            try? await Task.sleep(for: interval)
        }
        await publish()
    }

    /// Publishes what the telemetry's series are now, counters as the difference to the last time.
    package func publish() async {
        let snapshot = await telemetry.snapshot()
        published.withLock { published in
            for series in snapshot.series { publish(series, &published) }
        }
    }

    private func publish(_ series: MetricSnapshot.Series, _ published: inout Published) {
        let key = series.key
        switch series.value {
        case .counter(let value):
            count(key, value, &published)
        case .gauge(let value):
            gauge(key, &published).record(value)
        case .histogram(let bounds, let counts, let sum):
            var below: Int64 = 0
            for (bound, more) in zip(bounds, counts) {
                below += more
                count(named(key, "_bucket", [.init("le", "\(bound)")]), Double(below), &published)
            }
            let all = Double(counts.reduce(0, +))
            count(named(key, "_bucket", [.init("le", "+Inf")]), all, &published)
            count(named(key, "_sum"), sum, &published)
            count(named(key, "_count"), all, &published)
        }
    }

    private func named(_ key: MetricTable.Key, _ suffix: String, _ more: [MetricTable.Label] = []) -> MetricTable.Key {
        MetricTable.Key(name: key.name + suffix, labels: key.labels + more)
    }

    private func count(_ key: MetricTable.Key, _ value: Double, _ published: inout Published) {
        let known = published.counters[key]
        let handler = known?.handler ?? factory.makeFloatingPointCounter(label: key.name, dimensions: dimensions(key))
        let growth = value - (known?.last ?? 0)
        if growth > 0 { handler.increment(by: growth) }
        published.counters[key] = (handler, max(value, known?.last ?? 0))
    }

    private func gauge(_ key: MetricTable.Key, _ published: inout Published) -> any RecorderHandler {
        if let known = published.gauges[key] { return known }
        let handler = factory.makeRecorder(label: key.name, dimensions: dimensions(key), aggregate: false)
        published.gauges[key] = handler
        return handler
    }

    private func dimensions(_ key: MetricTable.Key) -> [(String, String)] {
        (key.labels + labels).map { ($0.name, $0.value) }
    }
}
