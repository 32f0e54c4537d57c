/// What the peer of a session may send on all streams together, what of it is here, and what is to be granted again. Streams that are over
/// and still hold something are in it.
struct MuxSessionReceiving: Equatable {
    /// A grant of less than this, in bytes, isn't worth a frame, however little of the window is free.
    static let crumb = 2_048

    /// All that the peer may have sent without another grant, in bytes.
    let size: Int
    /// Bytes that have come and aren't passed on.
    private(set) var held = 0
    /// Bytes that were passed on and aren't granted again.
    private(set) var owed = 0
    /// The memory of heads and trailers that are held, in bytes.
    private(set) var heads = 0
    /// Streams that are over, and whose bytes are not all passed on.
    private(set) var unsettled = 0

    /// A window of so many bytes.
    init(size: Int) { self.size = size }

    /// Whether the peer may send so much.
    func takes(_ bytes: Int) -> Bool { held + owed + bytes <= size }

    /// Whether so much is here that streams don't grow.
    var isHalfFull: Bool { held * 2 >= size }

    /// Whether most of what may come is here and isn't passed on.
    var isCrowded: Bool { held * 8 > size * 7 }

    /// How many bytes have to be passed on so that a quarter is free.
    var crowd: Int { held - size / 4 * 3 }

    mutating func receive(_ bytes: Int) { held += bytes }

    mutating func passOn(_ bytes: Int) {
        held -= bytes
        owed += bytes
    }

    /// Whether what is owed is worth a frame: half of what isn't held, an eighth where the peer is far. Half of all may never be passed
    /// on while some streams aren't read.
    func isWorthGranting(isFar: Bool) -> Bool { owed >= max(Self.crumb, (size - held) / (isFar ? 8 : 2)) }

    /// What the frame grants that is being written, in bytes.
    mutating func grant() -> Int {
        defer { owed = 0 }
        return owed
    }

    mutating func holdHead(_ bytes: Int) { heads += bytes }

    /// A stream is over and has left something.
    mutating func left() { unsettled += 1 }

    /// What a stream that is over has left isn't held any longer.
    mutating func settle(_ holding: MuxHolding) {
        passOn(holding.bytes)
        heads -= holding.heads
        unsettled -= 1
    }
}

/// What waits to be sent in a session, of all streams together, and how much of it the peer takes.
struct MuxSessionSending: Equatable {
    /// How many bytes of data the peer takes now.
    var window = 0
    /// Bytes that wait.
    private(set) var queued = 0
    /// Those of them that wait for the window of their own stream: what others send isn't to wait with them.
    private(set) var stuck = 0
    private var isHeldBack = false

    /// Bytes that could be sent if the session's window and the connection took them.
    var free: Int { queued - stuck }

    mutating func queue(_ bytes: Int) { queued += bytes }
    mutating func written(_ bytes: Int) { queued -= bytes }
    mutating func written(data bytes: Int) {
        queued -= bytes
        window -= bytes
    }

    mutating func noteStuck(_ more: Int) { stuck += more }

    /// A stream is over: nothing of its queue is sent.
    mutating func drop(_ queue: MuxSendQueue) {
        queued -= queue.bytes
        stuck -= queue.stuck
    }

    /// The peer takes so many bytes more. False if that is more than a window may be.
    mutating func widen(by increment: Int) -> Bool {
        window += increment
        return window <= MuxLimits.maximumWindow
    }

    /// A stream has come to the end of its window.
    mutating func holdBack() { isHeldBack = true }

    /// Whether a stream has come to the end of its window since this was last asked.
    mutating func takeHeldBack() -> Bool {
        guard isHeldBack else { return false }
        isHeldBack = false
        return true
    }
}
