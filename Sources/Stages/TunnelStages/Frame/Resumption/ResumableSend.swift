import DequeModule
package import NIOCore
package import Pipeline

/// What was sent of a stream of bytes and isn't known to have arrived, so that it can be sent again over another connection. Positions
/// count the stream's bytes from its beginning.
///
/// Large parts are kept as they are, without a copy, and their memory is read into again when they are acknowledged. Small ones are copied
/// behind each other: those who made them use their memory again. So are large ones that are little of the memory in which they are, where that
/// would be much more than what is kept.
package struct ResumableSend {
    private struct Piece {
        /// Without a copy; nothing where it is copied.
        var shared = ByteBuffer()
        /// So many of the copied bytes.
        var copied: Int32 = 0
        /// What it keeps from being used otherwise, in bytes: of several from the same memory the last does.
        var pinned: Int32 = 0

        var count: Int { Int(copied) + shared.readableBytes }
        var isShared: Bool { copied == 0 }
    }

    /// Parts up to this size, in bytes, are copied.
    static let copied = 4_096
    /// What large parts may keep from being used otherwise, beyond twice what they are, in bytes.
    static let loose = 256 << 10
    /// The memory of copies that a stream begins with, in bytes.
    private static let firstCopies = 1_024
    /// The memory of copies that stays when nothing is kept, for what comes next, in bytes. It goes with the first silence.
    private static let spareCopies = 128 << 10
    /// Copied bytes that make one piece.
    private static let together = 16_384
    /// What may be kept beyond the bound of frames without which a peer can't go on, in bytes.
    static let reserve = 64 << 10

    /// What may be kept, in bytes.
    package var bound: Int
    /// The position of what the peer wants next, as far as is known.
    package private(set) var acknowledged: UInt64 = 0
    /// The position of what has not been sent yet over the connection that there is now.
    package private(set) var sent: UInt64 = 0
    /// The position of the stream's end so far.
    package private(set) var position: UInt64 = 0
    /// What is kept without a copy keeps so much memory from being used otherwise, in bytes.
    private var pinned = 0
    private var pieces = Deque<Piece>()
    private var copies = ByteBuffer()
    /// How much of both has been sent over the connection that there is now.
    private var sentPieces = 0
    private var sentCopies = 0

    /// A stream of which nothing was sent.
    package init(bound: Int) {
        self.bound = bound
    }

    /// What is kept, in bytes.
    package var kept: Int { Int(position - acknowledged) }
    /// The memory that this takes, in bytes: about as much as is kept where much is, and at most twice what ever was, with a little more.
    package var memory: Int { pinned + copies.storageCapacity }
    /// No more of what can wait is to be sent.
    package var isFull: Bool { kept >= bound }
    /// Nothing at all is to be sent.
    package var isOverfull: Bool { kept >= bound + Self.reserve }
    /// Something has to be sent again before anything new.
    package var isBehind: Bool { sent < position }

    /// Keeps what is being sent. Not to be called while it `isBehind`.
    /// - Parameter isUsedAgain: Whether its memory is to be free when it has been sent.
    package mutating func keep(_ bytes: ByteBuffer, isUsedAgain: Bool = false) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        position += UInt64(count)
        sent = position
        if isUsedAgain || count <= Self.copied || !share(bytes) { copy(bytes) }
        sentPieces = pieces.count
    }

    /// - Returns: False where that would take too much memory.
    private mutating func share(_ bytes: ByteBuffer) -> Bool {
        if let last = lastShared, pieces[last].shared.isInSameMemory(as: bytes) {
            pieces.append(Piece(shared: bytes, pinned: pieces[last].pinned))
            pieces[last].pinned = 0
            return true
        }
        let capacity = bytes.storageCapacity
        guard pinned + capacity <= 2 * (kept - copies.readableBytes) + Self.loose, let size = Int32(exactly: capacity) else {
            return false
        }
        pinned += capacity
        pieces.append(Piece(shared: bytes, pinned: size))
        return true
    }

    /// The last piece that isn't copied, if at most a header is behind it.
    private var lastShared: Int? {
        for index in pieces.indices.suffix(2).reversed() where pieces[index].isShared { return index }
        return nil
    }

    private mutating func copy(_ bytes: ByteBuffer) {
        if copies.storageCapacity == 0 { copies.reserveCapacity(Self.firstCopies) }
        copies.writeImmutableBuffer(bytes)
        sentCopies = copies.readableBytes
        let count = Int32(clamping: bytes.readableBytes)
        if let last = pieces.indices.last, !pieces[last].isShared, pieces[last].copied + count <= Self.together {
            pieces[last].copied += count
        } else {
            pieces.append(Piece(copied: count))
        }
    }

    /// The peer has everything up to a position.
    /// - Parameter buffers: Take the memory that isn't needed any more.
    /// - Returns: How much of that is news, in bytes; nil if it can't have so much.
    package mutating func acknowledge(_ position: UInt64, reusing buffers: ReadBuffers? = nil) -> Int? {
        guard position <= sent else { return nil }
        guard position > acknowledged else { return 0 }
        let news = Int(position - acknowledged)
        acknowledged = position
        var left = news
        while left > 0, let first = pieces.indices.first {
            let count = pieces[first].count
            guard count <= left else {
                trim(first, by: left)
                break
            }
            var piece = pieces.removeFirst()
            sentPieces = max(0, sentPieces - 1)
            left -= count
            if piece.isShared {
                pinned -= Int(piece.pinned)
                buffers?.give(&piece.shared)
            } else {
                dropCopies(count)
            }
        }
        // What is acknowledged without being much was asked for: nothing has been sent for a while, as by most sessions most of the time.
        tidy(isSilent: kept == 0 && news < ResumableReceive.threshold)
        return news
    }

    private mutating func trim(_ first: Int, by count: Int) {
        if pieces[first].isShared {
            pieces[first].shared.moveReaderIndex(forwardBy: count)
        } else {
            pieces[first].copied -= Int32(clamping: count)
            dropCopies(count)
        }
    }

    private mutating func tidy(isSilent: Bool) {
        if isSilent { pieces = Deque() }
        if copies.readableBytes == 0 {
            if isSilent || copies.storageCapacity > Self.spareCopies { copies = ByteBuffer() }
            if copies.storageCapacity > 0 { copies.clear() }
        } else if copies.readerIndex > copies.capacity / 2 {
            let isLarge = copies.storageCapacity > Self.spareCopies && copies.readableBytes * 8 < copies.storageCapacity
            if isLarge { copies = copies.compacted() } else { copies.discardReadBytes() }
        }
    }

    private mutating func dropCopies(_ count: Int) {
        copies.moveReaderIndex(forwardBy: count)
        sentCopies = max(0, sentCopies - count)
    }

    /// A new connection takes the place of the one before: everything from a position on is sent again.
    /// - Returns: False if that position can't be.
    package mutating func resume(at position: UInt64) -> Bool {
        guard position >= acknowledged, position <= self.position else { return false }
        // What was to be sent again and wasn't yet has been sent before.
        sent = self.position
        guard acknowledge(position) != nil else { return false }
        sentPieces = 0
        sentCopies = 0
        sent = position
        return true
    }

    /// What has to be sent next of what is sent again. Nil when all of that is sent.
    package mutating func next() -> ByteBuffer? {
        guard sentPieces < pieces.count else { return nil }
        let piece = pieces[pieces.startIndex + sentPieces]
        sentPieces += 1
        sent += UInt64(piece.count)
        guard !piece.isShared else { return piece.shared }
        defer { sentCopies += piece.count }
        // In memory of its own: what is copied here later would otherwise copy all of it.
        return ByteBuffer(bytes: copies.readableBytesView.dropFirst(sentCopies).prefix(piece.count))
    }
}

extension ByteBuffer {
    fileprivate func isInSameMemory(as other: ByteBuffer) -> Bool {
        withVeryUnsafeBytesWithStorageManagement { _, mine in
            other.withVeryUnsafeBytesWithStorageManagement { _, its in mine.toOpaque() == its.toOpaque() }
        }
    }
}
