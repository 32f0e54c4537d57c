import DequeModule

/// The order in which streams that have something to send get their turn: those with little to say before those with much,
/// in turns, and none left out.
struct MuxReadyList {
    /// Where a stream stands.
    enum Place: Equatable {
        case none
        case small
        case bulk
        /// Has data, but no window; comes back when it gets some.
        case blocked
        /// Has data and window, but the session has none.
        case starved
    }

    /// A stream with no more than this to send, in bytes, goes before the others.
    static let smallBytes = 16_384
    /// After so many turns of small streams, one of the others gets its turn.
    private static let smallTurns = 16

    private var small = Deque<Entry>()
    private var bulk = Deque<Entry>()
    private var starved: [Entry] = []
    private var turns = 0

    // A slot may have been left or given to another stream since it was put here: the stream's number tells, and such an entry is passed over.
    private struct Entry {
        var slot: Int
        var stream: UInt32
    }

    /// How many entries there are of streams that could be written for.
    var count: Int { small.count + bulk.count }

    /// How many entries there are of streams that wait for the session's window.
    var starvedCount: Int { starved.count }

    /// Puts a stream in its list, if it isn't in one.
    mutating func insert(_ slot: Int, _ state: inout MuxStreamState) {
        guard state.readiness == .none || state.readiness == .blocked else { return }
        guard state.sending.canSend else {
            state.readiness = .blocked
            return
        }
        // Streams are opened in the order of their numbers, so a large head must not fall behind a small one.
        if state.sending.bytes <= Self.smallBytes || state.sending.beginsWithOpening {
            state.readiness = .small
            small.append(Entry(slot: slot, stream: state.id))
        } else {
            state.readiness = .bulk
            bulk.append(Entry(slot: slot, stream: state.id))
        }
    }

    /// The next stream's slot, taken from its list.
    mutating func next(_ streams: inout [MuxStreamState]) -> Int? {
        while true {
            let entry: Entry
            if !small.isEmpty, turns < Self.smallTurns || bulk.isEmpty {
                turns += 1
                entry = small.removeFirst()
            } else if !bulk.isEmpty {
                turns = 0
                entry = bulk.removeFirst()
            } else {
                return nil
            }
            guard streams[entry.slot].id == entry.stream else { continue }
            streams[entry.slot].readiness = .none
            return entry.slot
        }
    }

    /// A stream whose turn it was waits for its own window.
    mutating func block(_ state: inout MuxStreamState) { state.readiness = .blocked }

    /// A stream whose turn it was waits for the session's window.
    mutating func starve(_ slot: Int, _ state: inout MuxStreamState) {
        state.readiness = .starved
        starved.append(Entry(slot: slot, stream: state.id))
    }

    /// The session has a window again: whoever waited for it gets its turn, in the order of waiting.
    mutating func feed(_ streams: inout [MuxStreamState]) {
        let waiting = starved
        starved.removeAll(keepingCapacity: true)
        for entry in waiting where streams[entry.slot].id == entry.stream {
            streams[entry.slot].readiness = .none
            insert(entry.slot, &streams[entry.slot])
        }
    }

    /// Drops the entries of streams that are over, where a list has more than so many.
    mutating func tidy(_ streams: [MuxStreamState], beyond limit: Int) {
        if count > limit {
            small.removeAll { streams[$0.slot].id != $0.stream }
            bulk.removeAll { streams[$0.slot].id != $0.stream }
        }
        if starved.count > limit { starved.removeAll { streams[$0.slot].id != $0.stream } }
    }
}
