import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Reports to Amazon CloudWatch how much the pipeline is used.
    public static func metrics(cloudwatch: CloudWatchSettings) -> Step {
        Step(MetricsFactory()) { $0.cloudwatch = cloudwatch }
    }
}
