import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == End {
    /// Sends each request to its origin.
    public static func fetch(_ change: (inout FetchConfiguration) -> Void = { _ in }) -> Step {
        Step(FetchFactory(), change)
    }
}
