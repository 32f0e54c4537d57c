public import ConfigurationLanguage
public import Pipeline

extension Step where Input == Start, Output == Inbound {
    /// Listens for connections.
    public static func accept(
        _ listen: ListenAddress, _ change: (inout AcceptConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(AcceptFactory()) {
            $0.listen = listen
            change(&$0)
        }
    }
}
