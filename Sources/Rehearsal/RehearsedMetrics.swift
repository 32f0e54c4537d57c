package import Instruments
package import Pipeline

/// What the stages of a rehearsal have counted. Confined to its loop.
package struct RehearsedMetrics {
    private let shard: Shard

    /// What a rehearsal's shard has counted, read anew at each call.
    package init(_ shard: Shard) { self.shard = shard }

    /// The sum of a metric's values over its labels; nil where there is none of that name.
    package func sum(_ name: String) -> Double? {
        let values = shard.metrics.entries.filter { $0.key.name == name }.map { Self.value($0.instrument) }
        return values.isEmpty ? nil : values.reduce(0, +)
    }

    /// The values of a stage's own metrics, by name.
    package func values(of stage: String) -> [String: Double] {
        own(stage).reduce(into: [:]) { $0[$1.key.name, default: 0] += Self.value($1.instrument) }
    }

    /// A stage's own metrics, each once.
    package func descriptions(of stage: String) -> [MetricDescription] {
        var result: [MetricDescription] = []
        for entry in own(stage) {
            let kind: MetricDescription.Kind =
                switch entry.instrument {
                case .counter: .counter
                case .gauge: .gauge
                case .histogram: .histogram
                }
            let labels = entry.key.labels.map(\.name).filter { $0 != "stage" && $0 != "place" }
            let description = MetricDescription(kind, entry.key.name, entry.help, labels: labels)
            if !result.contains(description) { result.append(description) }
        }
        return result
    }

    /// Those with the stage's label, without what is counted for every stage.
    private func own(_ stage: String) -> [(key: MetricTable.Key, help: String, instrument: MetricTable.Instrument)] {
        shard.metrics.entries.filter { entry in
            entry.key.labels.contains(.init("stage", stage)) && !entry.key.name.hasPrefix("fluidity_stage_")
        }
    }

    private static func value(_ instrument: MetricTable.Instrument) -> Double {
        switch instrument {
        case .counter(let counter, let scale): Double(counter.value) * scale
        case .gauge(let gauge, let scale, _): Double(gauge.value) * scale
        case .histogram(let histogram, _): Double(histogram.counts.reduce(0, +))
        }
    }
}
