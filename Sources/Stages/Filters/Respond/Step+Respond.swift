import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == End {
    /// Gives every request the same answer.
    public static func respond(
        status: Int = 200, body: String = "", _ change: (inout RespondConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(RespondFactory()) {
            $0.status = status
            $0.body = body
            change(&$0)
        }
    }
}
