import NIOCore

/// Which stream was granted credit last, and how many times in a row: a stream that is the only one that needs any is alone,
/// whatever small things pass beside it.
struct MuxSoleStream {
    /// So many grants without another stream's between.
    private static let enough = 4

    private var stream: UInt32 = 0
    private var grants = 0

    /// Notes a grant. Whether the stream is alone.
    mutating func granted(_ stream: UInt32) -> Bool {
        if self.stream != stream { (self.stream, grants) = (stream, 0) }
        grants = min(grants + 1, Self.enough)
        return grants == Self.enough
    }
}

extension MuxSession {
    /// What all streams together may have beyond `streamWindow`, in bytes.
    var growthLimit: Int { configuration.sessionWindow / 4 * 3 }

    /// A shorter way counts as one of this length: the two ends, which take turns on their machines, make one of it.
    private static var shortestWay: TimeAmount { .microseconds(125) }
    /// From here on the way itself makes larger windows worthwhile.
    private static var longWay: TimeAmount { .milliseconds(1) }

    /// Whether a stream's window is too small for the way, by the shortest round trip that was seen: what waits in queues makes others
    /// longer, and a window that grew with them would make the queues longer still.
    ///
    /// A sender that used up half of a stream's window within four round trips gets one twice as large: so a window becomes about
    /// four times what the way holds. Twice would do where nothing is lost; behind a lost packet everything else waits for another
    /// round trip.
    ///
    /// Below a millisecond the smallest window is enough for gigabits, and more of it waits in queues, in front of others. There only
    /// a stream that is alone gets more, by the same measure, so that the two ends needn't wait for each other: what waits is then its
    /// own, and passes within a millisecond or two. It is taken back, by granting less than was passed on, when another stream needs credit as well. Other windows shrink
    /// only by the end of their streams; together they take no more than three quarters of the session's window, which bounds all
    /// of them in any case.
    ///
    /// - Returns: What is granted beyond what was passed on; less than nothing for what is taken back.
    mutating func growth(_ slot: Int, now: NIODeadline) -> Int {
        let elapsed = now - streams[slot].grantedAt
        streams[slot].grantedAt = now
        let isAlone = sole.granted(streams[slot].id)
        guard let roundTrip = shortestRoundTrip else { return 0 }
        guard roundTrip >= Self.longWay || isAlone else { return -shrink(slot) }
        guard elapsed <= max(roundTrip, Self.shortestWay) * 4 else { return 0 }
        let extra = min(streams[slot].window, growthLimit - grown)
        guard extra >= Self.crumb else { return 0 }
        grown += extra
        streams[slot].window += extra
        return extra
    }

    /// Makes a window that had grown smaller, by half of what is to be granted at most, so that the stream goes on.
    private mutating func shrink(_ slot: Int) -> Int {
        let less = min(streams[slot].window - configuration.streamWindow, streams[slot].consumed / 2)
        grown -= less
        streams[slot].window -= less
        return less
    }
}
