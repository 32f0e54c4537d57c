public import ConfigurationLanguage

/// What runs a plan, and what it can give to stages.
public enum HostKind: String, Sendable, CaseIterable {
    case agent
    case server
    case lambda

    public var offers: HostNeeds {
        switch self {
        case .agent, .server: [.listening, .background, .network]
        case .lambda: [.lambdaRuntime, .network]
        }
    }
}

extension HostKind: ConfigurationChoice {}
