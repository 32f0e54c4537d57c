import NIOCore

extension MuxSession {
    /// What all streams together may have beyond `streamWindow`, in bytes.
    var growthLimit: Int { configuration.sessionWindow / 2 }

    /// Suits a stream's window to its way and to the room there is, when credit is given. The way is measured by the shortest round
    /// trip that was seen: what waits in queues makes others longer, and a window that grew with them would make the queues longer
    /// still.
    ///
    /// A sender that used up half of a stream's window within four round trips gets one twice as large: so a window becomes about
    /// four times what the way holds. Twice would do where nothing is lost; behind a lost packet everything else waits for another
    /// round trip. Below a millisecond a window has its smallest size, which is enough for gigabits, and keeps queues short. Together
    /// streams grow by no more than half of the session's window; and none grows, while those that have grown become smaller, as long
    /// as half of it is held by streams that aren't read.
    mutating func resize(_ slot: Int, now: NIODeadline) {
        let elapsed = now - streams[slot].grantedAt
        streams[slot].grantedAt = now
        guard received * 2 < configuration.sessionWindow else { return shrink(slot) }
        guard let roundTrip = shortestRoundTrip, roundTrip >= .milliseconds(1), elapsed <= roundTrip * 4 else { return }
        let extra = min(streams[slot].window, growthLimit - grown)
        guard extra >= Self.crumb else { return }
        grown += extra
        streams[slot].window += extra
        streams[slot].consumed += extra
    }

    /// Keeps back what a stream has beyond the window that it began with, as far as it has been passed on.
    private mutating func shrink(_ slot: Int) {
        let excess = min(streams[slot].window - configuration.streamWindow, streams[slot].consumed)
        guard excess > 0 else { return }
        grown -= excess
        streams[slot].window -= excess
        streams[slot].consumed -= excess
    }
}
