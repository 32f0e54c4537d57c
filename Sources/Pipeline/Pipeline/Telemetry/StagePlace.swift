public import Instruments

/// Where a stage stands in its pipeline.
public struct StagePlace: Sendable, Hashable {
    /// The stage's type name, `rate-limit` say.
    public var name: String
    /// From 0.
    public var index: Int

    /// Tells stages of one name apart.
    public var labels: [MetricTable.Label] { [.init("stage", name), .init("place", "\(index + 1)")] }
}
