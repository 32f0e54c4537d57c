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
    var growthLimit: Int { configuration.sessionWindow / 2 }

    /// A shorter way counts as one of this length: the two ends, which take turns on their machines, make one of it.
    private static var shortestWay: TimeAmount { .microseconds(125) }
    /// From here on the way itself makes larger windows worthwhile.
    private static var longWay: TimeAmount { .milliseconds(1) }

    /// Suits a stream's window to its way and to the room there is, when credit is given. The way is measured by the shortest round
    /// trip that was seen: what waits in queues makes others longer, and a window that grew with them would make the queues longer
    /// still.
    ///
    /// A sender that used up half of a stream's window within four round trips gets one twice as large: so a window becomes about
    /// four times what the way holds. Twice would do where nothing is lost; behind a lost packet everything else waits for another
    /// round trip.
    ///
    /// Below a millisecond the smallest window is enough for gigabits, and more of it waits in queues, in front of others. There
    /// only a stream that is alone gets more, by the same measure, so that the two ends needn't wait for each other: what waits is
    /// then its own, and passes within a millisecond or two. It is kept back from it when another stream needs credit as well.
    ///
    /// Together streams grow by no more than half of the session's window, on short ways by a quarter. While as much of it is held by streams that aren't
    /// read, none grows, and those that have grown become smaller.
    mutating func resize(_ slot: Int, now: NIODeadline) {
        let elapsed = now - streams[slot].grantedAt
        streams[slot].grantedAt = now
        let isAlone = sole.granted(streams[slot].id)
        guard received * 2 < configuration.sessionWindow else { return shrink(slot) }
        guard let roundTrip = shortestRoundTrip else { return }
        guard roundTrip >= Self.longWay || isAlone else { return shrink(slot) }
        guard elapsed <= max(roundTrip, Self.shortestWay) * 4 else { return }
        // Alone now may be one of many that nobody reads later, each of which holds its window's worth.
        let limit = roundTrip >= Self.longWay ? growthLimit : growthLimit / 2
        let extra = min(streams[slot].window, limit - grown)
        guard extra >= Self.crumb else { return }
        grown += extra
        streams[slot].window += extra
        streams[slot].consumed += extra
    }

    /// Makes a window that had grown smaller, by half of what is to be granted at most, so that the stream goes on.
    private mutating func shrink(_ slot: Int) {
        let less = min(streams[slot].window - configuration.streamWindow, streams[slot].consumed / 2)
        guard less > 0 else { return }
        grown -= less
        streams[slot].window -= less
        streams[slot].consumed -= less
    }
}
