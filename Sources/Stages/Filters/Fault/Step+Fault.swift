import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Disturbs exchanges by chance. The closure names at least one fault.
    public static func fault(_ change: (inout FaultConfiguration) -> Void) -> Step {
        Step(FaultFactory(), change)
    }
}
