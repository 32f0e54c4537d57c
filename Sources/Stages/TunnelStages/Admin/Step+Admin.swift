import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == End {
    /// Answers for the pipeline that it stands in: `/livez`, `/readyz`, `/metrics` and `/pipeline`.
    public static func admin(_ change: (inout AdminConfiguration) -> Void = { _ in }) -> Step {
        Step(AdminFactory(), change)
    }
}
