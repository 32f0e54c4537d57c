/// One shard's metrics. Stages ask for theirs while they are assembled and keep them: nothing is looked up by name afterwards.
/// What shards count is added up by whoever reads it. Confined to the shard's loop.
///
/// Names follow one scheme, `fluidity_<what>_<unit>[_total]` in snake case with base units (bytes, seconds). Labels are few
/// and their values come from configurations, never from what a client sends.
public final class MetricTable {
    /// What tells one series from all others.
    public struct Key: Sendable, Hashable {
        /// The name of the metric.
        public var name: String
        /// The labels, whose order counts.
        public var labels: [Label]

        /// A key of a name and its labels.
        public init(name: String, labels: [Label] = []) {
            self.name = name
            self.labels = labels
        }
    }

    /// A label's name and value.
    public struct Label: Sendable, Hashable {
        /// The name, in snake case.
        public var name: String
        /// The value, any text.
        public var value: String

        /// A label of a name and a value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What becomes of one gauge's values on several loops.
    public enum Merging: Sendable, Equatable {
        /// They are added up.
        case sum
        /// The largest of them counts.
        case largest
    }

    /// What counts, and how its number becomes a value.
    public enum Instrument {
        /// `scale` turns what was counted into the unit of the name: 1e-9 for nanoseconds in seconds.
        case counter(Counter, scale: Double)
        /// `scale` is as for a counter; the last value says what becomes of several loops' gauges.
        case gauge(Gauge, scale: Double, Merging)
        /// `scale` is for the bounds and the sum; counts have none.
        case histogram(Histogram, scale: Double)
    }

    /// In the order in which they were made.
    public private(set) var entries: [(key: Key, help: String, instrument: Instrument)] = []
    private var indices: [Key: Int] = [:]
    private var observers: [() -> Void] = []
    /// What stands for a label when the metrics are read; nil where its series aren't.
    private var shown: [Label: [Label]?] = [:]

    /// A table without metrics.
    package init() {}

    // A metric is made from its description alone, so that what a stage's reference says of it is what it is.

    /// The counter of a name and labels: the same one each time it is asked for.
    public func counter(_ metric: MetricDescription, _ labels: [Label] = [], scale: Double = 1) -> Counter {
        if case .counter(let counter, _) = existing(metric, labels) { return counter }
        let counter = Counter()
        insert(metric, labels, .counter(counter, scale: scale))
        return counter
    }

    /// The gauge of a name and labels: the same one each time it is asked for.
    public func gauge(
        _ metric: MetricDescription, _ labels: [Label] = [], scale: Double = 1, merging: Merging = .sum
    ) -> Gauge {
        if case .gauge(let gauge, _, _) = existing(metric, labels) { return gauge }
        let gauge = Gauge()
        insert(metric, labels, .gauge(gauge, scale: scale, merging))
        return gauge
    }

    /// The histogram of a name and labels: the same one each time it is asked for.
    public func histogram(
        _ metric: MetricDescription, _ labels: [Label] = [], bounds: [Int64], scale: Double = 1
    ) -> Histogram {
        if case .histogram(let histogram, _) = existing(metric, labels) { return histogram }
        let histogram = Histogram(bounds: bounds)
        insert(metric, labels, .histogram(histogram, scale: scale))
        return histogram
    }

    /// Has `observe` called each time before the metrics are read: for gauges that say how something is, and that would cost
    /// something to keep up to date.
    public func beforeReading(_ observe: @escaping () -> Void) { observers.append(observe) }

    /// Has the series with a label, those that are made later too, read with others in its place: for what counts something that is known only
    /// later, or changes. Where it has been another thing, counting begins anew; gauges stay as they are.
    ///
    /// - Parameters:
    ///   - label: That of the series, as they were asked for.
    ///   - labels: What stands in its place; nil to leave the series out.
    package func show(_ label: Label, as labels: [Label]?) {
        if let old = shown[label] ?? nil, let labels, old != labels { restart(label) }
        shown[label] = .some(labels)
    }

    private func restart(_ label: Label) {
        for entry in entries where entry.key.labels.contains(label) {
            switch entry.instrument {
            case .counter(let counter, _): counter.restart()
            case .histogram(let histogram, _): histogram.restart()
            case .gauge: break
            }
        }
    }

    /// Everything as it is now.
    package func read() -> MetricSnapshot {
        for observe in observers { observe() }
        var snapshot = MetricSnapshot()
        for (key, help, instrument) in entries {
            if let key = shownKey(key) { snapshot.add(MetricSnapshot.Series(key, help, instrument)) }
        }
        return snapshot
    }

    /// Nil where it isn't to be read.
    private func shownKey(_ key: Key) -> Key? {
        guard !shown.isEmpty, let index = key.labels.firstIndex(where: { shown[$0] != nil }), let labels = shown[key.labels[index]]
        else {
            return key
        }
        guard let labels else { return nil }
        var key = key
        key.labels.replaceSubrange(index...index, with: labels)
        return key
    }

    private func existing(_ metric: MetricDescription, _ labels: [Label]) -> Instrument? {
        indices[Key(name: metric.name, labels: labels)].map { entries[$0].instrument }
    }

    private func insert(_ metric: MetricDescription, _ labels: [Label], _ instrument: Instrument) {
        let key = Key(name: metric.name, labels: labels)
        // One name, one kind: the first to use it decides.
        guard indices[key] == nil else { return }
        indices[key] = entries.count
        entries.append((key, metric.help, instrument))
    }
}

@available(*, unavailable)
extension MetricTable: Sendable {}
