package import NIOCore
package import Pipeline

/// How large a session may become and how much it may ask for.
package struct MuxConfiguration: Sendable, Equatable {
    /// What one session may hold, in bytes, whatever its peer does, beside what a stream costs in any case.
    ///
    /// A buffer may be up to twice as large as what is in it, so bytes count double. Half of the memory is for bytes that came
    /// and are not yet passed on, a quarter for bytes that the peer doesn't take, three sixteenths for heads, and one for large
    /// buffers of which only a small part waits.
    package var memory = 16 << 20
    /// The window that each new stream of the peer gets, in bytes.
    package var streamWindow = 128 << 10
    /// The most streams that the peer may have open at once.
    package var maxStreams = 8_192
    /// How long a peer may be silent before it is sent PING.
    package var pingInterval = TimeAmount.seconds(10)
    /// How long a PING may be without any answer before the session fails.
    package var pingTimeout = TimeAmount.seconds(5)
    /// How long the peer may be silent before its HELLO until the session fails.
    package var helloTimeout = TimeAmount.seconds(10)
    /// What is said in HELLO of the bodies that are taken.
    package var offers: BodyCapabilities = []
    /// What is said in HELLO: that this side's rate goes by what arrives, where the way is long.
    package var keepsRate = false
    /// Whether sessions can be resumed: what is said of it in HELLO.
    package var resumes = false
    /// By what the acceptor lets the session be resumed.
    package var offer: MuxOffer?
    /// The session that the opener wants to go on with.
    package var attach: MuxAttach?

    /// The configuration that `frame` has by default.
    package init() {}

    /// As `frame` was told.
    init(_ settings: SessionSettings) {
        memory = settings.memory
        streamWindow = settings.streamWindow
        maxStreams = settings.maxStreams
        pingInterval = settings.pingInterval
        pingTimeout = settings.pingTimeout
    }

    /// The window of the session as a whole, in bytes: a quarter of its memory.
    package var sessionWindow: Int { memory / 4 }
    var headMemory: Int { memory / 16 * 3 }
    var pinnedMemory: Int { memory / 16 }
    /// With so many bytes waiting that the peer would take, those that send are told to wait when they have more; with
    /// `sendLimit`, all are, at once, whatever they wait for.
    var sendMemory: Int { memory / 12 }
    var sendLimit: Int { memory / 8 }
    /// Below so many waiting bytes a stream may send ahead of its window, up to `aheadOfWindow`.
    var aheadMemory: Int { memory / 32 }
    var aheadOfWindow: Int { min(65_536, memory / 128) }
    /// - Parameter role: Who accepts streams takes the names of the opener's clients.
    func settings(_ role: MuxSession.Role) -> MuxSettings {
        var settings = MuxSettings(
            streamWindow: UInt32(streamWindow), sessionWindow: UInt32(sessionWindow), maxStreams: UInt32(maxStreams),
            offers: offers, takesClientNames: role == .acceptor)
        settings.keepsRate = role == .acceptor && keepsRate
        settings.correlates = true
        settings.resumes = resumes
        settings.offer = offer
        settings.attach = attach
        return settings
    }
}
