package import NIOCore

/// What was told of the resuming of sessions.
package struct ResumptionSettings: Sendable, Equatable {
    /// How long an acceptor keeps a session without a connection.
    package var keep = TimeAmount.seconds(90)
    /// How long an opener tries to get another connection.
    package var patience = TimeAmount.seconds(60)
    /// What a session keeps at most of what was sent and not acknowledged, in bytes.
    package var store = 8 << 20
    /// What all sessions together keep before others can't be resumed, in bytes.
    package var memory = 256 << 20
    /// Where this very acceptor can be reached, as `host:port`; nil where nobody has said it.
    package var address: String?

    /// As they are where nothing is said.
    package init() {}
}
