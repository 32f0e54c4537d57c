/// A metric as its stage declares it, once: the stage's reference lists it, and its stage makes it from this.
///
///     static let refused = MetricDescription(.counter, "fluidity_quota_refused_total", "Exchanges that were refused.")
///     …
///     let refused = shard.metrics.counter(Self.refused, shard.assembling?.labels ?? [])
public struct MetricDescription: Sendable, Hashable {
    /// The kinds of metrics, in the words of Prometheus.
    public enum Kind: String, Sendable, CaseIterable {
        /// Only grows: a `Counter`.
        case counter
        /// Goes up and down: a `Gauge`.
        case gauge
        /// Counts amounts by size: a `Histogram`.
        case histogram
    }

    /// Which of the kinds it is.
    public var kind: Kind
    /// `fluidity_<what>_<unit>[_total]`, in snake case.
    public var name: String
    /// A sentence for people: the `# HELP` of Prometheus, and a row of `docs/metrics.md`.
    public var help: String
    /// The names of the labels that it has beside those of every stage, `stage` and `place`.
    public var labels: [String]

    /// A description of a metric.
    /// - Parameter help: One sentence, with its full stop.
    public init(_ kind: Kind, _ name: String, _ help: String, labels: [String] = []) {
        self.kind = kind
        self.name = name
        self.help = help
        self.labels = labels
    }
}
