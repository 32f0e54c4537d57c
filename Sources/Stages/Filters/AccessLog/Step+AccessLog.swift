public import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Writes a line for each exchange.
    public static func accessLog(
        to path: OutputPath = .standardError, _ change: (inout AccessLogConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(AccessLogFactory()) {
            $0.to = path
            change(&$0)
        }
    }
}
