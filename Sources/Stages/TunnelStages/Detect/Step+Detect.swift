import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Exchange {
    /// Speaks HTTP or SOCKS5 with clients, whichever each begins with.
    public static func detect(_ change: (inout DetectConfiguration) -> Void = { _ in }) -> Step {
        Step(DetectFactory(), change)
    }
}
