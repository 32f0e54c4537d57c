import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Deflates bodies on the way between agent and server, if it stands on both sides.
    public static func compress(_ change: (inout CompressConfiguration) -> Void = { _ in }) -> Step {
        Step(CompressFactory(), change)
    }
}
