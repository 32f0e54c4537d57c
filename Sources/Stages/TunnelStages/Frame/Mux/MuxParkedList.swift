import DequeModule

/// Streams that wait until the session takes more of their data, in the order of waiting. Those that have sent little lately go first:
/// for what there is little of, there is room for longer.
struct MuxParkedList {
    /// What a stream is taken for that waits.
    enum Weight {
        case light
        case heavy
    }

    /// After so many light ones, one of the others gets its turn.
    private static let lightTurns = 7

    private var light = Deque<Int>()
    private var heavy = Deque<Int>()
    private var turns = 0

    mutating func append(_ slot: Int, _ weight: Weight) {
        switch weight {
        case .light: light.append(slot)
        case .heavy: heavy.append(slot)
        }
    }

    /// Whether there is one for which there would be room.
    func hasNext(hasRoom: Bool) -> Bool { !light.isEmpty || hasRoom && !heavy.isEmpty }

    /// The next stream's slot.
    ///
    /// - Parameter hasRoom: There is room for more than a little.
    mutating func popFirst(hasRoom: Bool) -> Int? {
        guard hasRoom, !heavy.isEmpty, light.isEmpty || turns >= Self.lightTurns else {
            turns += 1
            return light.popFirst()
        }
        turns = 0
        return heavy.popFirst()
    }
}
