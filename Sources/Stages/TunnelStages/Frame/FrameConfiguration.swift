public import ConfigurationLanguage
import NIOCore
import Pipeline

/// What `frame` can be told.
public struct FrameConfiguration: StageConfiguration {
    /// The protocol spoken between agent and server.
    public var codec = FrameCodec.mux
    /// Where connections are accepted: the protocols taken on one port in place of `codec`, told apart by ALPN.
    public var codecs: [FrameCodec]?
    /// The most memory that one session may hold, whatever its peer does.
    public var sessionMemory = ByteCount(16 << 20)
    /// How many bytes a stream's sender may send before the receiver has passed them on.
    public var streamWindow = ByteCount(128 << 10)
    /// The most exchanges that a peer may have open in one session.
    public var maxStreams = 8_192
    /// The largest body or WebSocket message with the codec json, which has them whole.
    public var maxBody = ByteCount(10 << 20)
    /// How long a peer may be silent before it is asked whether it is there.
    public var pingInterval = Duration.seconds(10)
    /// How long a peer that was asked may take to answer before it is given up.
    public var pingTimeout = Duration.seconds(5)
    /// With the codec mux: whether and how long a session outlives its connection.
    public var resume = ResumptionConfiguration()

    public init() {}

    public static let schema = Schema<FrameConfiguration>(
        .optional("codec", \.codec, "The protocol spoken between agent and server."),
        .optional(
            "codecs", \.codecs,
            "Where connections are accepted: the protocols that are taken on one port, in place of 'codec'. TLS tells them apart (ALPN); a connection that names none is json's, else the first one's."
        ),
        .optional(
            "session-memory", \.sessionMemory, in: ByteCount(1 << 20)...ByteCount(1 << 30),
            "What one session may hold, whatever its peer does."),
        .optional(
            "stream-window", \.streamWindow, in: ByteCount(16 << 10)...ByteCount(64 << 20),
            "What a stream's sender may send before the receiver has passed it on."),
        .optional("max-streams", \.maxStreams, in: 1...1_000_000, "Exchanges that a peer may have open in one session."),
        .optional(
            "max-body", \.maxBody, in: ByteCount(64 << 10)...ByteCount(256 << 20),
            "With the codec json, which has bodies and WebSocket messages whole: what one may have. A larger request is answered with 413, a larger response with 502."
        ),
        .optional(
            "ping-interval", \.pingInterval, in: .milliseconds(100)...(.seconds(3600)),
            "A peer that has been silent for this long is asked whether it is there."),
        .optional(
            "ping-timeout", \.pingTimeout, in: .milliseconds(100)...(.seconds(600)),
            "A peer that doesn't answer for this long is given up."),
        .optional(
            "resume", \.resume,
            "With the codec mux, if the other side does the same: a session whose connection is lost goes on over another, and nothing that was under way is lost."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        if let codecs, codecs.isEmpty || Set(codecs).count < codecs.count {
            return [ConfigurationProblem("'codecs' wants each protocol once, and one at least", key: "codecs")]
        }
        let problems = (codecs ?? [codec]).flatMap { $0.implementation.problems(session) }
        guard problems.isEmpty, streamWindow.bytes > session.window else { return problems }
        return [
            ConfigurationProblem(
                "'stream-window' is more than a quarter of 'session-memory'", key: "stream-window",
                hint: "one stream must leave room for others")
        ]
    }

    /// What every codec is told.
    var session: SessionSettings {
        SessionSettings(
            memory: sessionMemory.bytes, streamWindow: streamWindow.bytes, maxStreams: maxStreams, maxBody: maxBody.bytes,
            pingInterval: TimeAmount(pingInterval), pingTimeout: TimeAmount(pingTimeout),
            resumption: resume.settings)
    }
}
