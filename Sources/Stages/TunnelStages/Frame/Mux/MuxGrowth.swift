import NIOCore

/// What the streams of a session have together beyond the window that they began with.
struct MuxGrowth {
    /// So many grants to one stream without another stream's between: it is alone, whatever small things pass beside it.
    private static let enough = 4

    /// What streams whose readers keep up have beyond their first window, in bytes.
    var bytes = 0
    /// How many such streams there are.
    var streams = 0
    /// The largest window that the way to this peer was worth.
    var proven = 0
    /// When streams that are silent were last looked for.
    var reviewedAt = NIODeadline.distantPast
    private var last: UInt32 = 0
    private var grants = 0

    /// Notes a grant. Whether the stream is alone.
    mutating func granted(_ stream: UInt32) -> Bool {
        if last != stream { (last, grants) = (stream, 0) }
        grants = min(grants + 1, Self.enough)
        return grants == Self.enough
    }
}

extension MuxSession {
    /// What all streams together may have beyond `streamWindow`, in bytes: on a short way that is one, which is alone.
    private var growthLimit: Int { configuration.sessionWindow / 2 }

    /// A shorter way counts as one of this length: the two ends, which take turns on their machines, make one of it.
    private static var shortestWay: TimeAmount { .microseconds(125) }
    /// From here on the way itself makes larger windows worthwhile.
    private static var longWay: TimeAmount { .milliseconds(1) }
    /// A stream that was silent for so long leaves its share to others.
    private static var silence: TimeAmount { .seconds(5) }

    /// Whether the way to the peer is long. It is measured by the shortest round trip that was seen: what waits in queues makes others
    /// longer, and a window that grew with them would make the queues longer still.
    var isFar: Bool { liveness.shortestRoundTrip.map { $0 >= Self.longWay } ?? false }

    /// Suits a stream's window to its way and to the room there is, when credit is given.
    ///
    /// A stream whose reader keeps up gets a window twice as large, until that would last for eight round trips; at once as large as the
    /// way was worth before. Two round trips would do where nothing is lost; behind a lost packet everything else waits for another
    /// round trip or more.
    ///
    /// Below a millisecond the smallest window is enough for gigabits, and more of it waits in queues, in front of others. There
    /// only a stream that is alone gets more, by the same measure, so that the two ends needn't wait for each other: what waits is
    /// then its own, and passes within a millisecond or two. It is kept back from it when another stream needs credit as well.
    ///
    /// It is a loan. Together streams grow by no more than half of the session's window, and share that. While as much of it is held by
    /// streams that aren't read, none grows, and those that have grown become smaller.
    ///
    /// - Parameter elapsed: The time since credit was last given.
    mutating func resize(_ slot: Int, after elapsed: TimeAmount, now: NIODeadline) {
        let isAlone = growth.granted(streams[slot].id)
        guard !receiving.isHalfFull else { return shrink(slot, to: configuration.streamWindow) }
        guard let roundTrip = liveness.shortestRoundTrip else { return }
        guard isFar || isAlone else { return shrink(slot, to: configuration.streamWindow) }
        guard keepsUp(slot, elapsed, max(roundTrip, Self.shortestWay)) else { return }
        beginGrowing(slot)
        if growth.streams > 1 { review(now) }
        let share = configuration.streamWindow + growthLimit / growth.streams
        let size = streams[slot].receiving.size
        guard size <= share else { return shrink(slot, to: share) }
        let wanted = max(size, growth.proven - size)
        let extra = min(wanted, share - size, growthLimit - growth.bytes)
        guard extra >= Self.crumb else { return }
        growth.bytes += extra
        streams[slot].receiving.grow(by: extra)
        if isFar { growth.proven = max(growth.proven, size + extra) }
    }

    /// Whether a stream passes on so much that its window would last for less than eight round trips.
    private func keepsUp(_ slot: Int, _ elapsed: TimeAmount, _ roundTrip: TimeAmount) -> Bool {
        // The largest window times the longest time has to fit: the peer decides about both. Hence microseconds, and no more of
        // them than matter.
        let (elapsed, roundTrip) = (min(elapsed, .minutes(1)).nanoseconds / 1_000, min(roundTrip, .minutes(1)).nanoseconds / 1_000)
        return Int64(streams[slot].receiving.size) * elapsed <= Int64(streams[slot].receiving.owed) * roundTrip * 8
    }

    private mutating func beginGrowing(_ slot: Int) {
        guard !streams[slot].receiving.isGrowing else { return }
        streams[slot].receiving.isGrowing = true
        growth.streams += 1
        growth.bytes += streams[slot].receiving.size - configuration.streamWindow
    }

    /// Leaves a stream's share to others.
    mutating func stopGrowing(_ slot: Int) {
        guard streams[slot].receiving.isGrowing else { return }
        streams[slot].receiving.isGrowing = false
        growth.streams -= 1
        growth.bytes -= streams[slot].receiving.size - configuration.streamWindow
    }

    /// Streams that are silent, as kept connections are after a download, don't keep others from growing: all that came was passed on.
    /// What they were granted can't be taken back before they use it.
    private mutating func review(_ now: NIODeadline) {
        guard growth.reviewedAt + .seconds(1) <= now else { return }
        growth.reviewedAt = now
        for slot in slots.values
        where streams[slot].receiving.isGrowing && streams[slot].receiving.held == 0
            && streams[slot].receiving.grantedAt + Self.silence <= now
        {
            stopGrowing(slot)
        }
    }

    /// Makes a window that had grown smaller, by half of what is to be granted at most, so that the stream goes on.
    private mutating func shrink(_ slot: Int, to size: Int) {
        let less = streams[slot].receiving.shrink(to: size)
        if streams[slot].receiving.isGrowing { growth.bytes -= less }
        if streams[slot].receiving.size <= configuration.streamWindow { stopGrowing(slot) }
    }
}
