import HTTPMessages

/// How far a session is.
enum MuxPhase {
    /// The peer's HELLO hasn't come.
    case greeting
    /// The peer's HELLO came with a wish to go on with another session, or ours carried one, and that isn't decided.
    case attaching(Attaching)
    /// Streams come and go.
    case open
    /// Over: nothing more is taken, and nothing but the reason is written.
    case failed(Failure)

    /// Who decides whether another session goes on.
    enum Attaching {
        /// The opener waits for ATTACHED.
        case awaiting
        /// The acceptor asks who keeps such sessions.
        case deciding
    }
}
