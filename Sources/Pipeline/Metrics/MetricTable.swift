/// One shard's metrics. Stages ask for theirs while they are assembled and keep them: nothing is looked up by name afterwards.
/// What shards count is added up by whoever reads it. Confined to the shard's loop.
///
/// Names follow one scheme, `fluidity_<what>_<unit>[_total]` in snake case with base units (bytes, seconds). Labels are few
/// and their values come from configurations, never from what a client sends.
public final class MetricTable {
    public struct Key: Sendable, Hashable {
        public var name: String
        public var labels: [Label]
    }

    public struct Label: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public enum Instrument {
        case counter(Counter)
        case gauge(Gauge)
        /// `scale` turns what was recorded into the unit of the name: 1e-9 for nanoseconds in a histogram of seconds.
        case histogram(Histogram, scale: Double)
    }

    /// In the order in which they were made.
    public private(set) var entries: [(key: Key, help: String, instrument: Instrument)] = []
    private var indices: [Key: Int] = [:]

    init() {}

    public func counter(_ name: String, _ help: String, _ labels: [Label] = []) -> Counter {
        if case .counter(let counter) = existing(name, labels) { return counter }
        let counter = Counter()
        insert(name, help, labels, .counter(counter))
        return counter
    }

    public func gauge(_ name: String, _ help: String, _ labels: [Label] = []) -> Gauge {
        if case .gauge(let gauge) = existing(name, labels) { return gauge }
        let gauge = Gauge()
        insert(name, help, labels, .gauge(gauge))
        return gauge
    }

    public func histogram(
        _ name: String, _ help: String, _ labels: [Label] = [], bounds: [Int64], scale: Double = 1
    ) -> Histogram {
        if case .histogram(let histogram, _) = existing(name, labels) { return histogram }
        let histogram = Histogram(bounds: bounds)
        insert(name, help, labels, .histogram(histogram, scale: scale))
        return histogram
    }

    private func existing(_ name: String, _ labels: [Label]) -> Instrument? {
        indices[Key(name: name, labels: labels)].map { entries[$0].instrument }
    }

    private func insert(_ name: String, _ help: String, _ labels: [Label], _ instrument: Instrument) {
        let key = Key(name: name, labels: labels)
        indices[key] = entries.count
        entries.append((key, help, instrument))
    }
}

@available(*, unavailable)
extension MetricTable: Sendable {}
