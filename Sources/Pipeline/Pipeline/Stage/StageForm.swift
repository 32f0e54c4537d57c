/// What a stage takes and what it yields. A stage with one form for each direction (`mtls`, `frame`) gets the one that fits.
public struct StageForm: Sendable, Equatable {
    public var input: MediumKind
    public var output: MediumKind

    public init(_ input: MediumKind, _ output: MediumKind) {
        self.input = input
        self.output = output
    }
}
