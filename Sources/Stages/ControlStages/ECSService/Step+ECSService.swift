import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == End {
    /// Wakes an ECS service, puts it to sleep, kills it, or says how it is.
    public static func ecsService(
        _ action: ECSServiceAction, _ change: (inout ECSServiceConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(ECSServiceFactory()) {
            $0.action = action
            change(&$0)
        }
    }
}
