/// What a stage takes and what it yields. A stage with one form for each direction (`mtls`, `frame`) gets the one that fits.
public struct StageForm: Sendable, Equatable {
    /// What it takes; `start` for a source.
    public var input: MediumKind
    /// What it yields; `end` for a sink.
    public var output: MediumKind

    /// A form: what it takes, then what it yields.
    public init(_ input: MediumKind, _ output: MediumKind) {
        self.input = input
        self.output = output
    }
}
