public import ConfigurationLanguage

/// What agent and server say to each other.
public enum FrameCodec: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Our own, `docs/protocol.md`.
    case mux
    /// Standard HTTP/2 proxying (RFC 9113, RFC 8441).
    case h2
    /// The JSON envelopes of the first Fluidity's agents and servers.
    case json
}
