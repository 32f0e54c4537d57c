import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Stops asking an origin that keeps failing.
    public static func circuitBreaker(
        _ change: (inout CircuitBreakerConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(CircuitBreakerFactory(), change)
    }
}
