import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Exchange {
    /// Carries every connection to one fixed place.
    public static func forward(to place: HostPort) -> Step {
        Step(ForwardFactory()) { $0.to = place }
    }
}
