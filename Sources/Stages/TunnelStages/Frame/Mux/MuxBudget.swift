import NIOCore

/// What a peer may do that costs us work and brings nothing: it is little in honest use, and a session whose peer does more of
/// it is closed. One bucket for all of it: PING, empty DATA, credit in crumbs, streams opened and reset before an answer.
struct MuxBudget {
    /// How much may come at once.
    static let capacity = 2_000
    /// How much comes back in a second.
    static let refill = 200

    private var points = MuxBudget.capacity
    private var updated: NIODeadline

    init(now: NIODeadline) {
        updated = now
    }

    /// Takes points. False when there are none left.
    mutating func spend(_ cost: Int, now: NIODeadline) -> Bool {
        let elapsed = (now - updated).nanoseconds
        if elapsed > 5_000_000 {
            let earned = min(Int64(Self.capacity), elapsed / (1_000_000_000 / Int64(Self.refill)))
            points = min(Self.capacity, points + Int(earned))
            updated = now
        }
        points -= cost
        return points >= 0
    }
}
