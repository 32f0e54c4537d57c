import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Finds out who a client is, by the first of the methods that succeeds.
    public static func auth(
        _ methods: AuthMethodConfiguration..., change: (inout AuthConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(AuthFactory()) {
            $0.methods = methods
            change(&$0)
        }
    }
}
