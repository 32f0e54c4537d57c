import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Exchange {
    /// Speaks HTTP with clients.
    public static func http(_ change: (inout HTTPConfiguration) -> Void = { _ in }) -> Step {
        Step(HTTPFactory(), change)
    }
}
