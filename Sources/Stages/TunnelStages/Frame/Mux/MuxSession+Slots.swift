import NIOCore

/// Streams come and go: their places in the table, and what they leave behind.
extension MuxSession {
    mutating func insert(_ id: UInt32, sendWindow: Int, now: NIODeadline) -> Int {
        let slot = freeSlots.popLast() ?? streams.count
        if slot == streams.count { streams.append(MuxStreamState()) }
        settle(takeHolding(slot))
        streams[slot].begin(id: id, sendWindow: sendWindow, receiveWindow: configuration.streamWindow, now: now)
        slots[id] = slot
        return slot
    }

    /// Forgets a stream. What it had not passed on is still held, by whoever takes it over.
    mutating func remove(_ slot: Int) {
        guard streams[slot].id != 0 else { return }
        sending.drop(streams[slot].sending.bytes, stuck: streams[slot].sending.stuck)
        pinned -= streams[slot].sending.pinned
        stopGrowing(slot)
        if streams[slot].isBulk { bulkStreams -= 1 }
        slots[streams[slot].id] = nil
        if streams[slot].leave() { receiving.left() }
        freeSlots.append(slot)
        tidy()
    }

    /// Takes over what a stream that has just ended still holds. Give all of it back with `settle`, once; what isn't taken over
    /// comes back when its place is needed.
    package mutating func takeHolding(_ slot: Int) -> MuxHolding {
        defer { streams[slot].left = MuxHolding() }
        return streams[slot].left
    }

    /// A part of a holding's bytes has been passed on. The caller takes it off the holding.
    package mutating func settle(_ bytes: Int) { consumeForSession(bytes) }

    /// Nothing of a holding is held any longer.
    package mutating func settle(_ holding: MuxHolding) {
        guard holding.isUnsettled else { return }
        receiving.settle(holding)
        pinned -= holding.pinned
        if holding.bytes > 0 { grantToSession() }
    }

    /// Streams that came and went while nothing could be written have left their entries behind. They are dropped before they
    /// are more than those of open streams, so that a peer that opens, resets and never reads can't make the lists grow.
    private mutating func tidy() { ready.tidy(streams, beyond: 2 * slots.count + 64) }

    /// Whether a slot is still that stream's.
    func isOpen(_ slot: Int, _ stream: UInt32) -> Bool { streams[slot].id == stream }

    /// Whether both sides have ended the stream.
    package func isOver(_ slot: Int) -> Bool { streams[slot].isOver }

    /// Forgets a stream that both sides have ended. True if it did.
    @discardableResult
    package mutating func removeIfOver(_ slot: Int) -> Bool {
        guard streams[slot].isOver else { return false }
        remove(slot)
        return true
    }

    /// Whether a stream is open of which nothing has been written.
    package func isUnopened(_ slot: Int) -> Bool {
        slot < streams.count && streams[slot].id != 0 && streams[slot].sending.beginsWithOpening
    }

    /// Forgets the streams that the peer says it did not begin. Their slots are returned, the latest first.
    package mutating func removeStreams(above last: UInt32) -> [Int] {
        let refused = slots.filter { $0.key > last && role == .opener }.sorted { $0.key > $1.key }.map(\.value)
        for slot in refused { remove(slot) }
        return refused
    }
}
