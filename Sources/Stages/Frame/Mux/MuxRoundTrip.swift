import NIOCore

/// How long a frame and its answer take, as far as it is known: the shortest that was seen. What waits in queues on the way makes single
/// measurements longer, and a window that grew with them would make the queues longer still.
struct MuxRoundTrip {
    private(set) var shortest: TimeAmount?
    private var sent: (token: UInt64, at: NIODeadline)?

    mutating func sentPing(_ token: UInt64, at now: NIODeadline) { sent = (token, now) }

    mutating func receivedPong(_ token: UInt64, at now: NIODeadline) {
        guard let sent, sent.token == token else { return }
        self.sent = nil
        shortest = min(shortest ?? now - sent.at, now - sent.at)
    }
}

extension MuxSession {
    /// What all streams together may have beyond `streamWindow`, in bytes.
    var growthLimit: Int { configuration.sessionWindow / 2 }

    /// A sender that used up half of a stream's window within four round trips gets one twice as large: so a window becomes about
    /// four times what the way holds. Twice would do where nothing is lost; behind a lost packet everything else waits for another
    /// round trip. Below a millisecond a window has its smallest size, which is enough for gigabits, and keeps queues short. Windows
    /// shrink only by the end of their streams; together they take no more than half of what the session's window has, which bounds
    /// all of them in any case.
    ///
    /// - Returns: What is granted beyond what was passed on.
    mutating func growth(_ slot: Int, now: NIODeadline) -> Int {
        let elapsed = now - streams[slot].grantedAt
        streams[slot].grantedAt = now
        guard let roundTrip = roundTrip.shortest, roundTrip >= .milliseconds(1), elapsed <= roundTrip * 4 else { return 0 }
        let extra = min(streams[slot].window, growthLimit - grown)
        guard extra >= Self.crumb else { return 0 }
        grown += extra
        streams[slot].window += extra
        return extra
    }
}
