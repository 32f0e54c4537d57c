import DequeModule
package import NIOCore

/// What was sent of a stream of bytes and isn't known to have arrived, so that it can be sent again over another connection. Positions
/// count the stream's bytes from its beginning.
///
/// Large parts are kept as they are, without a copy. Small ones are copied behind each other: those who made them use their memory again.
package struct ResumableSend {
    private enum Piece {
        /// So many of the copied bytes.
        case copied(Int)
        case shared(ByteBuffer)

        var count: Int {
            switch self {
            case .copied(let count): count
            case .shared(let bytes): bytes.readableBytes
            }
        }
    }

    /// Parts up to this size, in bytes, are copied.
    static let copied = 4_096
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
        guard isUsedAgain || count <= Self.copied || bytes.isLoose else {
            pieces.append(.shared(bytes))
            sentPieces = pieces.count
            return
        }
        copies.writeImmutableBuffer(bytes)
        sentCopies = copies.readableBytes
        if case .copied(let before)? = pieces.last, before + count <= Self.together {
            pieces[pieces.endIndex - 1] = .copied(before + count)
        } else {
            pieces.append(.copied(count))
        }
        sentPieces = pieces.count
    }

    /// The peer has everything up to a position.
    /// - Returns: How much of that is news, in bytes; nil if it can't have so much.
    package mutating func acknowledge(_ position: UInt64) -> Int? {
        guard position <= sent else { return nil }
        guard position > acknowledged else { return 0 }
        let news = Int(position - acknowledged)
        acknowledged = position
        var left = news
        while left > 0, let first = pieces.first {
            let count = first.count
            guard count <= left else {
                trim(first, by: left)
                break
            }
            pieces.removeFirst()
            sentPieces = max(0, sentPieces - 1)
            if case .copied = first { dropCopies(count) }
            left -= count
        }
        if copies.readableBytes == 0 {
            // Many sessions are silent most of the time.
            if copies.capacity > Self.copied { copies = ByteBuffer() } else { copies.clear() }
            if pieces.isEmpty { pieces = Deque() }
        } else if copies.readerIndex > copies.capacity / 2 {
            copies.discardReadBytes()
        }
        return news
    }

    private mutating func trim(_ first: Piece, by count: Int) {
        switch first {
        case .copied(let whole):
            pieces[pieces.startIndex] = .copied(whole - count)
            dropCopies(count)
        case .shared(var bytes):
            bytes.moveReaderIndex(forwardBy: count)
            pieces[pieces.startIndex] = .shared(bytes)
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
        switch piece {
        case .shared(let bytes):
            return bytes
        case .copied(let count):
            defer { sentCopies += count }
            // In memory of its own: what is copied here later would otherwise copy all of it.
            return ByteBuffer(bytes: copies.readableBytesView.dropFirst(sentCopies).prefix(count))
        }
    }
}

extension ByteBuffer {
    /// Whether these bytes keep far more from being freed than they are.
    fileprivate var isLoose: Bool { readableBytes * 8 < storageCapacity }
}
