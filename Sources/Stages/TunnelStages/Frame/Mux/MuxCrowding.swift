import NIOCore

/// When room has to be made in a session whose memory is used up by streams that nobody reads.
struct MuxCrowding {
    /// How long a session may be without room, and what isn't taken may be there, before somebody has to go. Who waits for the room
    /// waits so long, and until the next sweep of deadlines: less than a second.
    static let patience = TimeAmount.milliseconds(500)
    /// When room was made, and all of it was taken at once, the same happens again: for so long nobody waits for it.
    private static let memory = TimeAmount.seconds(5)
    /// Where nobody could be found, they are looked for again so much later.
    private static let retry = TimeAmount.milliseconds(100)

    /// When room has to be made, if there is none until then.
    private(set) var due: NIODeadline?
    private var madeAt: NIODeadline?

    func isDue(_ now: NIODeadline) -> Bool { due.map { $0 <= now } ?? false }

    /// Notes whether there is room.
    mutating func watch(_ isCrowded: Bool, _ now: NIODeadline) {
        guard isCrowded else {
            due = nil
            return
        }
        guard due == nil else { return }
        let isAgain = madeAt.map { now < $0 + Self.memory } ?? false
        due = isAgain ? now : now + Self.patience
    }

    /// Those who have to go are known, if there are some. Whether that is enough is seen when they have gone.
    mutating func made(_ any: Bool, _ now: NIODeadline) {
        madeAt = now
        due = any ? now : now + Self.retry
    }
}

/// What a session does when its memory is used up by streams that nobody reads. Some such streams are usual, paused videos say: there
/// is room for two dozen. Those beyond that aren't to stop everybody else.
extension MuxSession {
    /// Most of what may come is here and isn't passed on.
    private var isFullOfUnread: Bool { receiving.isCrowded }
    /// Most of what may wait to be sent waits for windows.
    private var isFullOfStuck: Bool { sending.stuck * 8 > configuration.sendLimit * 7 }

    /// Little or nothing is left for streams that are read.
    var isCrowded: Bool { isFullOfUnread || isFullOfStuck }

    mutating func watchCrowding(_ now: NIODeadline) { crowding.watch(isCrowded, now) }

    /// Who has to go at once, so that a quarter of the room is free; nobody if it isn't time for that, or if there is no stream that
    /// could use it. The owner ends them.
    ///
    /// - Parameters:
    ///   - leftovers: What streams that are over have left and nobody takes.
    ///   - party: Whose the stream in a slot is.
    mutating func relieve(_ now: NIODeadline, leftovers: [MuxHolder] = [], party: (Int) -> String) -> [MuxHolder.Place] {
        watchCrowding(now)
        guard crowding.isDue(now), isRoomWanted else { return [] }
        let time = now - MuxCrowding.patience
        var chosen: [MuxHolder.Place] = []
        if isFullOfUnread {
            let holders = holders(party) { ($0.receiving.held, $0.receiving.heldSince) }
            chosen = MuxHolder.choose(leftovers + holders, toFree: receiving.crowd, since: time)
        }
        if isFullOfStuck {
            let holders = holders(party) { ($0.sending.stuck, $0.sending.windowedAt) }
            let more = MuxHolder.choose(holders, toFree: sending.stuck - configuration.sendLimit / 4 * 3, since: time)
            chosen += more.filter { !chosen.contains($0) }
        }
        crowding.made(!chosen.isEmpty, now)
        return chosen
    }

    /// Whether there is a stream that could use the room: something may still come on it, or go, and nothing of it waits.
    private var isRoomWanted: Bool {
        slots.values.contains { slot in
            isFullOfUnread && streams[slot].receiving.held == 0 && !streams[slot].receiving.hasEnded
                || isFullOfStuck && streams[slot].sending.stuck == 0 && streams[slot].sending.end == .open
        }
    }

    private func holders(
        _ party: (Int) -> String, _ held: (MuxStreamState) -> (bytes: Int, since: NIODeadline)
    ) -> [MuxHolder] {
        slots.values.compactMap { slot in
            let (bytes, since) = held(streams[slot])
            guard bytes > 0 else { return nil }
            return MuxHolder(place: .stream(slot: slot, streams[slot].id), party: party(slot), bytes: bytes, since: since)
        }
    }
}
