public import ConfigurationLanguage
public import Pipeline

extension Step where Input == Outbound, Output == End {
    /// Keeps connections to the server.
    public static func connect(
        to server: HostPort, _ change: (inout ConnectConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(ConnectFactory()) {
            $0.to = .fixed(server)
            change(&$0)
        }
    }

    /// Keeps connections to several servers, the one that is liked best first.
    /// - Parameter servers: One to sixteen.
    public static func connect(
        to servers: [ServerAddress.NamedServer], _ change: (inout ConnectConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(ConnectFactory()) {
            $0.to = .several(servers)
            change(&$0)
        }
    }
}
