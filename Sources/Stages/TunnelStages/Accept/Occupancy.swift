import Addresses

/// Who is at a listener, and whether there is room for another. A value without clock and channel.
///
/// Connections that are somebody's have places of their own, `limit` of them. Strangers use those that are free. Where some of the
/// strangers have had their time, a crowd of silent ones say, strangers are counted by themselves instead, up to `strangerLimit`: else a
/// few free places would make a long queue of them. Where there is no room, those that have had their time go.
struct Occupancy<Handle: Sendable>: Sendable {
    typealias StrangerID = Strangers<Handle>.ID

    /// What a connection is counted as.
    enum Place: Sendable, Equatable {
        case somebody
        case stranger(StrangerID)
    }

    private let limit: Int
    private let strangerLimit: Int
    private var somebodies = 0
    private var strangers = Strangers<Handle>()
    /// Nothing is accepted until there is room.
    private var isPaused = false
    /// Whatever room there is, there are no file descriptors for it.
    private var isShort = false

    init(limit: Int, strangerLimit: Int) {
        self.limit = limit
        self.strangerLimit = strangerLimit
    }

    /// All connections.
    var count: Int { somebodies + strangers.count }

    /// What becomes of accepting.
    struct Verdict: Sendable {
        /// Whether another connection may be accepted.
        var mayAccept: Bool
        /// Whether accepting goes on that was paused.
        var resumes = false
        /// Who is closed so that there is room for it.
        var leaves: Handle?
    }

    /// A connection was accepted.
    ///
    /// - Parameter network: Where the stranger comes from; nil for a connection that is somebody's at once.
    mutating func enter(from network: ClientNetwork?) -> (place: Place, verdict: Verdict) {
        guard let network else {
            somebodies += 1
            return (.somebody, makeRoom())
        }
        return (.stranger(strangers.add(from: network)), makeRoom())
    }

    /// A stranger is somebody now, even one that was just to go: it wasn't closed yet.
    mutating func admit(_ id: StrangerID) -> Verdict {
        strangers.remove(id)
        somebodies += 1
        return makeRoom()
    }

    /// A stranger has had its time.
    mutating func linger(_ id: StrangerID, _ handle: Handle) -> Verdict {
        strangers.linger(id, handle)
        return makeRoom()
    }

    /// A connection has gone.
    mutating func leave(_ place: Place) -> Verdict {
        switch place {
        case .somebody: somebodies -= 1
        case .stranger(let id): strangers.remove(id)
        }
        return makeRoom()
    }

    /// There are too few file descriptors for further connections, or there are enough again.
    mutating func runsShort(_ isShort: Bool) -> Verdict {
        self.isShort = isShort
        return makeRoom()
    }

    /// A stranger who has had his time, to be closed for his descriptor.
    mutating func takeFirstToGo() -> Handle? { strangers.takeFirstToGo() }

    private mutating func makeRoom() -> Verdict {
        guard !isShort else {
            isPaused = true
            return Verdict(mayAccept: false)
        }
        var verdict = Verdict(mayAccept: false)
        if hasRoom {
            verdict.mayAccept = true
        } else if somebodies < limit, let handle = strangers.takeFirstToGo() {
            verdict.leaves = handle
            verdict.mayAccept = true
        }
        verdict.resumes = isPaused && verdict.mayAccept
        isPaused = !verdict.mayAccept
        return verdict
    }

    private var hasRoom: Bool {
        guard somebodies < limit, strangers.count < strangerLimit else { return false }
        return count < limit || strangers.haveLingered
    }
}
