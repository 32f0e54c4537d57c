import NIOCore

extension MuxSession {
    /// What all streams together may have beyond `streamWindow`, in bytes.
    var growthLimit: Int { configuration.sessionWindow / 4 * 3 }

    /// Whether a stream's window is too small for the way, by the shortest round trip that was seen: what waits in queues makes others
    /// longer, and a window that grew with them would make the queues longer still.
    ///
    /// A sender that used up half of a stream's window within four round trips gets one twice as large: so a window becomes about
    /// four times what the way holds. Twice would do where nothing is lost; behind a lost packet everything else waits for another
    /// round trip. Below a millisecond a window has its smallest size, which is enough for gigabits, and keeps queues short. Windows
    /// shrink only by the end of their streams; together they take no more than three quarters of the session's window, which bounds
    /// all of them in any case.
    ///
    /// - Returns: What is granted beyond what was passed on.
    mutating func growth(_ slot: Int, now: NIODeadline) -> Int {
        let elapsed = now - streams[slot].grantedAt
        streams[slot].grantedAt = now
        guard let roundTrip = shortestRoundTrip, roundTrip >= .milliseconds(1), elapsed <= roundTrip * 4 else { return 0 }
        let extra = min(streams[slot].window, growthLimit - grown)
        guard extra >= Self.crumb else { return 0 }
        grown += extra
        streams[slot].window += extra
        return extra
    }
}
