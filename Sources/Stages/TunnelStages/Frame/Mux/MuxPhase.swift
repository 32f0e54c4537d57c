import HTTPMessages

/// How far a session is.
enum MuxPhase {
    /// The peer's HELLO hasn't come.
    case greeting
    /// The peer's HELLO has come with a wish, or was sent with one, to go on with another session, and that isn't decided.
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

/// What the two sides have said about streams to come.
enum MuxFarewell {
    case none
    /// The peer has sent GOAWAY.
    case heard
    /// This side has sent GOAWAY, or has it in its queue; the peer may have, too.
    case said
}
