import ConfigurationLanguage
import NIOCore

/// What sessions of the JSON protocol are set to.
struct JSONConfiguration: Sendable {
    /// What a body or a WebSocket's message may have, in bytes: the protocol has them whole.
    var maxBody: Int
    /// What a session may hold of what its peer sent, in bytes.
    var memory: Int
    var maxStreams: Int
    /// The silence after which the kernel asks whether the peer is there, and how long it may be silent then.
    var pingInterval: TimeAmount
    var pingTimeout: TimeAmount

    init(_ settings: SessionSettings) {
        maxBody = settings.maxBody
        memory = settings.memory
        maxStreams = settings.maxStreams
        pingInterval = settings.pingInterval
        pingTimeout = settings.pingTimeout
    }

    /// The longest envelope: a body in Base64, and a head.
    var envelopeLimit: Int { maxBody / 3 * 4 + (256 << 10) }
    /// What may wait for a peer that doesn't read, in bytes, beside what somebody is owed credit for.
    var unpacedLimit: Int { memory / 4 }
}
