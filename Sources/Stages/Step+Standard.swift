public import Pipeline

// The stages that begin, carry and end a pipeline, as steps of a list in Swift code. Filters are `Filter(AuthFactory()) { … }`.

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

extension Step where Input == Inbound, Output == Exchange {
    /// Speaks HTTP with clients.
    public static func http(_ change: (inout HTTPConfiguration) -> Void = { _ in }) -> Step { Step(HTTPFactory(), change) }

    /// The server's end of a tunnel.
    public static func frameServer(_ change: (inout FrameConfiguration) -> Void = { _ in }) -> Step {
        Step(FrameFactory(), change)
    }
}

extension Step where Input == Exchange, Output == Outbound {
    /// The agent's end of a tunnel.
    public static func frameClient(_ change: (inout FrameConfiguration) -> Void = { _ in }) -> Step {
        Step(FrameFactory(), change)
    }
}

extension Step where Input == Inbound, Output == Inbound {
    /// TLS with certificates on both sides, as the server.
    public static func mtlsServer(_ change: (inout MTLSConfiguration) -> Void) -> Step { Step(MTLSFactory(), change) }
}

extension Step where Input == Outbound, Output == Outbound {
    /// TLS with certificates on both sides, as the client.
    public static func mtlsClient(_ change: (inout MTLSConfiguration) -> Void) -> Step { Step(MTLSFactory(), change) }
}

extension Step where Input == Outbound, Output == End {
    /// Keeps connections to the server.
    public static func connect(to server: HostPort, _ change: (inout ConnectConfiguration) -> Void = { _ in }) -> Step {
        Step(ConnectFactory()) {
            $0.to = .fixed(server)
            change(&$0)
        }
    }
}

extension Step where Input == Exchange, Output == End {
    /// Sends each request to its origin.
    public static func fetch(_ change: (inout FetchConfiguration) -> Void = { _ in }) -> Step { Step(FetchFactory(), change) }
}
