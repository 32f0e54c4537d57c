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
    /// on while some streams aren't read. The rule of the session; a stream's is that of `MuxReceiveWindow`.
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
