/// What waits to be sent in a session, of all streams together, and how much of it the peer takes.
struct MuxSessionSending: Equatable {
    /// How many bytes of data the peer takes now.
    private(set) var window = 0
    /// Bytes that wait.
    private(set) var queued = 0
    /// Those of them that wait for the window of their own stream: what others send isn't to wait with them.
    private(set) var stuck = 0
    private var isHeldBack = false

    /// Bytes that could be sent if the session's window and the connection took them.
    var free: Int { queued - stuck }

    /// The peer's HELLO says how much it takes.
    mutating func begin(window: Int) { self.window = window }

    /// So many bytes more wait.
    mutating func queue(_ bytes: Int) { queued += bytes }

    /// Bytes of a head or trailers were written.
    mutating func written(_ bytes: Int) { queued -= bytes }

    /// Bytes of data were written.
    mutating func written(data bytes: Int) {
        queued -= bytes
        window -= bytes
    }

    /// So many bytes more wait for their stream's window, or fewer.
    mutating func noteStuck(_ more: Int) { stuck += more }

    /// A stream is over: what it had waiting isn't sent.
    mutating func drop(_ bytes: Int, stuck: Int) {
        queued -= bytes
        self.stuck -= stuck
    }

    /// The peer takes so many bytes more. False if that is more than a window may be.
    mutating func widen(by increment: Int) -> Bool {
        window += increment
        return window <= MuxLimits.maximumWindow
    }

    /// A stream has come to the end of its window.
    mutating func holdBack() { isHeldBack = true }

    /// Whether a stream has come to the end of its window since this was last asked.
    mutating func takeHeldBack() -> Bool {
        guard isHeldBack else { return false }
        isHeldBack = false
        return true
    }
}
