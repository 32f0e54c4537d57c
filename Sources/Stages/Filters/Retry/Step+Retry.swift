import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Sends idempotent requests again when there is no response to them.
    public static func retry(_ change: (inout RetryConfiguration) -> Void = { _ in }) -> Step {
        Step(RetryFactory(), change)
    }
}
