import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Exchange {
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
