import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Inbound {
    /// Connections that come in a WebSocket, as the server.
    ///
    /// - Parameter path: The WebSocket's.
    public static func websocketServer(
        path: String = "/tunnel", _ change: (inout WebSocketConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(WebSocketFactory()) {
            $0.path = path
            change(&$0)
        }
    }
}

extension Step where Input == Outbound, Output == Outbound {
    /// Connections that go in a WebSocket, as the client.
    ///
    /// - Parameter path: The WebSocket's.
    public static func websocketClient(
        path: String = "/tunnel", _ change: (inout WebSocketConfiguration) -> Void = { _ in }
    ) -> Step {
        Step(WebSocketFactory()) {
            $0.path = path
            change(&$0)
        }
    }
}
