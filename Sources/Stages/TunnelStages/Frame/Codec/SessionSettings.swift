import NIOCore

/// What `frame` was told of its sessions, for whichever codec they speak.
package struct SessionSettings: Sendable, Equatable {
    /// What one session may hold, in bytes, whatever its peer does.
    var memory: Int
    /// What a stream's sender may send before the receiver has passed it on, in bytes.
    var streamWindow: Int
    /// Exchanges that a peer may have open in one session.
    var maxStreams: Int
    /// What a body or a message may have that a codec has whole, in bytes.
    var maxBody: Int
    /// The silence after which a peer is asked whether it is there.
    var pingInterval: TimeAmount
    /// How long a peer may owe an answer before it is given up.
    var pingTimeout: TimeAmount
    /// What was told of the resuming of sessions; nil where none is.
    var resumption: ResumptionSettings?

    /// What all streams of a session may have on their way together, in bytes.
    var window: Int { memory / 4 }
}
