public import Instruments

/// What the reference says of a stage beyond its name, its summary, its forms and its keys. Everything may be left out.
///
/// From it and from the schema come `fluidity stages NAME`, the pages in `docs/stages` and what editors show.
public struct StageReference: Sendable, Equatable {
    /// Paragraphs in Markdown: what it does, where in a list it belongs and why.
    public var details: String
    /// One or more entries of a pipeline's list as they would stand below `pipeline:`, in YAML. The conformance kit reads it.
    public var example: String
    /// What the stage counts beside what is counted for every stage.
    public var metrics: [MetricDescription]
    /// What a user has to know, each a sentence: limits, costs, what goes badly with it.
    public var notes: [String]

    /// A reference of the parts given.
    public init(details: String = "", example: String = "", metrics: [MetricDescription] = [], notes: [String] = []) {
        self.details = details
        self.example = example
        self.metrics = metrics
        self.notes = notes
    }
}
