/// Metrics as they were at one moment: plain values, in the units of their names.
public struct MetricSnapshot: Sendable, Equatable {
    /// What one series had counted.
    public enum Value: Sendable, Equatable {
        /// What a counter had counted.
        case counter(Double)
        /// The level of a gauge.
        case gauge(Double)
        /// `counts` has one number for each bound and one for what is above the last, each by itself.
        case histogram(bounds: [Double], counts: [Int64], sum: Double)
    }

    /// One metric with one set of labels.
    public struct Series: Sendable, Equatable {
        /// The name and labels, which tell it from all others.
        public var key: MetricTable.Key
        /// The sentence for people of the metric's description.
        public var help: String
        /// What was counted, in the unit of the name.
        public var value: Value
        var merging = MetricTable.Merging.sum

        /// A series that is made without a table. Where it is a gauge, values of equal keys are added up.
        public init(_ name: String, _ help: String, labels: [MetricTable.Label] = [], _ value: Value) {
            self.key = MetricTable.Key(name: name, labels: labels)
            self.help = help
            self.value = value
        }

        /// A counter or a gauge, as its description says.
        package init(_ metric: MetricDescription, _ value: Double, _ labels: [MetricTable.Label] = []) {
            self.init(
                metric.name, metric.help, labels: labels, metric.kind == .counter ? .counter(value) : .gauge(value))
        }

        init(_ key: MetricTable.Key, _ help: String, _ instrument: MetricTable.Instrument) {
            self.key = key
            self.help = help
            switch instrument {
            case .counter(let counter, let scale):
                value = .counter(Self.decimal(counter.value, scale))
            case .gauge(let gauge, let scale, let merging):
                value = .gauge(Self.decimal(gauge.value, scale))
                self.merging = merging
            case .histogram(let histogram, let scale):
                value = .histogram(
                    bounds: histogram.bounds.map { Self.decimal($0, scale) }, counts: histogram.counts,
                    sum: Self.decimal(histogram.sum, scale))
            }
        }

        /// 100_000 by 1e-9 is 0.0001, not 0.00010000000000000002: a bound is a name as well.
        private static func decimal(_ number: Int64, _ scale: Double) -> Double {
            scale < 1 ? Double(number) / (1 / scale).rounded() : Double(number) * scale
        }
    }

    /// The series, each key once, in the order in which they were added.
    public private(set) var series: [Series] = []
    private var indices: [MetricTable.Key: Int] = [:]

    /// A snapshot without series.
    public init() {}

    /// Adds a series, or what it says to the one that has its name and labels.
    public mutating func add(_ new: Series) {
        guard let index = indices[new.key] else {
            indices[new.key] = series.count
            series.append(new)
            return
        }
        switch (series[index].value, new.value) {
        case (.counter(let old), .counter(let more)):
            series[index].value = .counter(old + more)
        case (.gauge(let old), .gauge(let more)):
            series[index].value = .gauge(new.merging == .sum ? old + more : max(old, more))
        case (.histogram(let bounds, var counts, let sum), .histogram(let others, let more, let moreSum)) where bounds == others:
            for index in counts.indices { counts[index] += more[index] }
            series[index].value = .histogram(bounds: bounds, counts: counts, sum: sum + moreSum)
        default:
            break
        }
    }

    /// Adds what another loop has counted.
    public mutating func add(_ other: MetricSnapshot) {
        for each in other.series { add(each) }
    }

    /// The value of the series with this name and exactly these labels, in this order; nil where there is none.
    public subscript(_ name: String, _ labels: MetricTable.Label...) -> Value? {
        indices[MetricTable.Key(name: name, labels: labels)].map { series[$0].value }
    }

    /// The sum of all counters or gauges of a name, whatever their other labels, that have `labels`.
    public func sum(_ name: String, _ labels: MetricTable.Label...) -> Double {
        series.reduce(0) { sum, each in
            guard each.key.name == name, labels.allSatisfy(each.key.labels.contains) else { return sum }
            switch each.value {
            case .counter(let value), .gauge(let value): return sum + value
            case .histogram: return sum
            }
        }
    }

    /// What outlives the loops that counted it: how things were isn't how they are.
    package var lasting: MetricSnapshot {
        var result = MetricSnapshot()
        for each in series {
            if case .gauge = each.value { continue }
            result.add(each)
        }
        return result
    }
}
