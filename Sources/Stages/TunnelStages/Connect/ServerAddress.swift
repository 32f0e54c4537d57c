public import ConfigurationLanguage

/// Where the server is: a host and a port, or whatever the control plane says.
public enum ServerAddress: Sendable, Hashable, ScalarConfigurationValue, CustomStringConvertible {
    /// The host and port that the configuration names.
    case fixed(HostPort)
    /// The status endpoint of `lifecycle` says it.
    case discover

    /// The address, where the configuration says it.
    package var known: HostPort? { if case .fixed(let address) = self { address } else { nil } }

    public static var shape: ValueShape { .oneOf([HostPort.shape, .choice(["discover"])]) }

    public static var typeDescription: String { "a host and a port such as server.example:8443, or 'discover'" }

    public init(configured text: String) throws(InvalidValue) {
        self = text == "discover" ? .discover : .fixed(try HostPort(configured: text))
    }

    public var description: String {
        switch self {
        case .fixed(let address): address.description
        case .discover: "discover"
        }
    }

    public var printed: String {
        switch self {
        case .fixed(let address): address.printed
        case .discover: "discover"
        }
    }
}
