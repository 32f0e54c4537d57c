import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Limits requests, open exchanges and bytes. The closure sets at least one of them.
    public static func rateLimit(
        by key: RateLimitKey, _ change: (inout RateLimitConfiguration) -> Void
    ) -> Step {
        Step(RateLimitFactory()) {
            $0.by = key
            change(&$0)
        }
    }
}
