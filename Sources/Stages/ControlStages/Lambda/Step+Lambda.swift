import ConfigurationLanguage
public import Pipeline

extension Step where Input == Start, Output == Exchange {
    /// Speaks the AWS Lambda Runtime API.
    public static func lambda(_ change: (inout LambdaConfiguration) -> Void = { _ in }) -> Step {
        Step(LambdaFactory(), change)
    }
}
