public import Instruments

/// Where a stage stands in its pipeline.
public struct StagePlace: Sendable, Hashable {
    /// The stage's type name, `rate-limit` say.
    public var name: String
    /// From 0. The stages of a branch count too, behind the stage that has it: where an exchange goes, the numbers rise.
    public var index: Int
    /// The place for people: `3`, from 1, and in a branch of the third stage `3.home.1`.
    public var path: String

    /// What tells its parts apart, of which each counts for itself: the servers of `connect`, say.
    package var part: MetricTable.Label?

    /// Tells stages of one name apart.
    public var labels: [MetricTable.Label] {
        let place: [MetricTable.Label] = [.init("stage", name), .init("place", path)]
        return part.map { place + [$0] } ?? place
    }

    /// - Parameter path: Nil in a list without branches, where the number says it.
    init(name: String, index: Int, path: String? = nil) {
        self.name = name
        self.index = index
        self.path = path ?? "\(index + 1)"
    }
}
