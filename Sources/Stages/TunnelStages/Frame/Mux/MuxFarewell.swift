/// What the two sides have said about streams to come.
enum MuxFarewell {
    case none
    /// The peer has sent GOAWAY.
    case heard
    /// This side has sent GOAWAY, or has it in its queue; the peer may have, too.
    case said
}
