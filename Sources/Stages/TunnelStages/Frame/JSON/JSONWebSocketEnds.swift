/// Which of a WebSocket's two ends has heard that nothing more comes: the real WebSocket by a close frame, the peer, which has messages, by an
/// envelope. Each hears it once. A value.
struct JSONWebSocketEnds {
    /// The peer has closed the WebSocket.
    enum OnPeerClosed: Equatable {
        /// It was lost, or never open: its close has no form on the other side.
        case lost
        /// The socket is to be told.
        case tellSocket
        /// It has been: this answers what it said.
        case nothing
    }

    private(set) var isOpen = false
    private(set) var hasToldSocket = false
    private(set) var hasToldPeer = false

    /// Whether messages of the peer go to the socket.
    var takesMessages: Bool { isOpen && !hasToldSocket }

    /// Both sides have agreed.
    mutating func opened() { isOpen = true }

    /// True if the socket is to be told now.
    mutating func tellSocket() -> Bool {
        defer { hasToldSocket = true }
        return !hasToldSocket
    }

    /// True if the peer is to be told now.
    mutating func tellPeer() -> Bool {
        defer { hasToldPeer = true }
        return !hasToldPeer
    }

    /// - Parameter isLoss: Whether what it says stands for a connection that was lost.
    mutating func peerClosed(isLoss: Bool) -> OnPeerClosed {
        guard !hasToldSocket else { return .nothing }
        guard isOpen, !isLoss else { return .lost }
        hasToldSocket = true
        return .tellSocket
    }
}
