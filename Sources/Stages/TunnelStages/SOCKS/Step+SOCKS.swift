import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Exchange {
    /// Speaks SOCKS5 with clients.
    public static func socks(_ change: (inout SOCKSConfiguration) -> Void = { _ in }) -> Step {
        Step(SOCKSFactory(), change)
    }
}
