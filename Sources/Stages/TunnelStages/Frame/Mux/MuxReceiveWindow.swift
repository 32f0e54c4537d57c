import NIOCore

/// What the peer of one stream may send, what of it is here, and what is to be granted again.
///
/// A byte is in one of three places: the peer may still send it (`room`), it has come and isn't passed on (`held`), or it was passed on and
/// is to be granted again (`owed`). Together they are `size`.
struct MuxReceiveWindow {
    /// All that the peer may have sent without another grant, in bytes. It can grow.
    private(set) var size = 0
    /// What the peer may still send, in bytes.
    private(set) var room = 0
    /// What has come and isn't passed on, in bytes.
    private(set) var held = 0
    /// What was passed on and isn't granted again, in bytes.
    private(set) var owed = 0
    /// Since when some of what is held has been here at least.
    private(set) var heldSince = NIODeadline.distantPast
    /// How much of what was here then is left, in bytes.
    private var aged = 0
    /// What slices of larger buffers keep from being freed, in bytes, so long as anything is held.
    private(set) var pinned = 0
    /// When credit was last given, or the first data came; `distantPast` before.
    private(set) var grantedAt = NIODeadline.distantPast
    /// Whether a frame that grants waits to be written.
    private(set) var isGrantQueued = false
    /// Whether the stream's reader keeps up, so that it has a share of what streams may grow by.
    var isGrowing = false
    /// Whether the peer has sent its last.
    private(set) var hasEnded = false

    /// A stream takes a free place.
    mutating func begin(size: Int) {
        self.size = size
        room = size
    }

    // MARK: - What comes

    /// Bytes have come. False if there was no room for them, and nothing is changed then.
    mutating func receive(_ bytes: Int, now: NIODeadline) -> Bool {
        guard bytes <= room else { return false }
        if grantedAt == .distantPast { grantedAt = now }
        take(bytes, now)
        return true
    }

    /// A stream takes a free place, and its opening has brought bytes, no more than the window has. They say nothing of how fast its peer
    /// sends: the time to the first grant is counted from what comes behind them.
    mutating func begin(size: Int, early bytes: Int, now: NIODeadline) {
        begin(size: size)
        take(bytes, now)
    }

    private mutating func take(_ bytes: Int, _ now: NIODeadline) {
        if held == 0 { (aged, heldSince) = (bytes, now) }
        held += bytes
        room -= bytes
    }

    /// The peer has said that nothing more comes.
    mutating func end() { hasEnded = true }

    /// Bytes that came are a part of a buffer of so many bytes, and not all that is here has been passed on.
    mutating func pin(_ capacity: Int) { pinned += capacity }

    // MARK: - What is passed on

    /// Bytes that came have been passed on. What no longer keeps anything from being freed.
    mutating func passOn(_ bytes: Int, now: NIODeadline) -> Int {
        held -= bytes
        owed += bytes
        aged -= bytes
        // Nothing is left of what was here then: the rest came later.
        if aged <= 0 { (aged, heldSince) = (held, now) }
        guard held == 0, pinned != 0 else { return 0 }
        defer { pinned = 0 }
        return pinned
    }

    // MARK: - What is granted

    /// Whether what is owed is worth a frame. The rule of a stream; the session's is that of `MuxSessionReceiving`.
    ///
    /// It is half of the window, so that frames stay few. Where the peer is far it is an eighth, for what isn't granted doesn't help to fill
    /// the way, and half of what a stream begins with at least. It may never be more than half: `MuxSession.hasWindow` of the peer counts on
    /// that.
    ///
    /// - Parameter first: The window that a stream begins with, in bytes.
    func isWorthGranting(isFar: Bool, first: Int) -> Bool {
        let half = size - size / 2
        return owed >= (isFar ? min(half, max(first / 2, half / 4)) : half)
    }

    /// A frame that grants is to be written: how long it is since the last.
    mutating func queueGrant(_ now: NIODeadline) -> TimeAmount {
        isGrantQueued = true
        defer { grantedAt = now }
        return now - grantedAt
    }

    /// What the frame grants that is being written, in bytes.
    mutating func grant() -> Int {
        defer { owed = 0 }
        isGrantQueued = false
        room += owed
        return owed
    }

    /// Makes the window larger, with the next grant.
    mutating func grow(by extra: Int) {
        size += extra
        owed += extra
    }

    /// Makes the window smaller, by half of what is to be granted at most, so that the stream goes on. By how much.
    mutating func shrink(to smaller: Int) -> Int {
        let less = max(0, min(size - smaller, owed / 2))
        size -= less
        owed -= less
        return less
    }

    /// For so long nothing could come or go, which was nobody's fault.
    mutating func shiftTimes(by silence: TimeAmount) {
        if heldSince != .distantPast { heldSince = heldSince + silence }
        if grantedAt != .distantPast { grantedAt = grantedAt + silence }
    }
}
