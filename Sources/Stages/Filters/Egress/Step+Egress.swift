import ConfigurationLanguage
public import Pipeline

extension Step where Input == Exchange, Output == Exchange {
    /// Decides where exchanges may go, by the first of the rules that fits.
    public static func egress(_ rules: EgressRule..., otherwise: EgressVerdict = .deny) -> Step {
        Step(EgressFactory()) {
            $0.rules = rules.map { Positioned($0) }
            $0.otherwise = otherwise
        }
    }
}
