import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Changes fields of requests and responses.
    public static func headers(
        request: FieldChanges = FieldChanges(), response: FieldChanges = FieldChanges(), forwardedFor: ForwardedFor = .off
    ) -> Step {
        Step(HeadersFactory()) {
            $0.request = request
            $0.response = response
            $0.forwardedFor = forwardedFor
        }
    }
}
