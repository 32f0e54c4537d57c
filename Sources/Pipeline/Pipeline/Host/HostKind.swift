public import ConfigurationLanguage

/// What runs a plan, and what it can give to stages.
public enum HostKind: String, Sendable, CaseIterable {
    /// A process near the clients, which sends their exchanges through the tunnel.
    case agent
    /// A process near the origins, which takes exchanges from the tunnel.
    case server
    /// A function of AWS Lambda, which handles one event at a time and listens on nothing.
    case lambda

    /// What stages of a pipeline can have there.
    public var offers: HostNeeds {
        switch self {
        case .agent, .server: [.listening, .background, .network]
        case .lambda: [.lambdaRuntime, .network]
        }
    }
}

extension HostKind: ConfigurationChoice {}
