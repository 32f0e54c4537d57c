import DequeModule
import NIOCore
import Pipeline

/// Something to be sent on a stream, in order.
enum MuxSendItem {
    case open(ByteBuffer)
    case reason(ByteBuffer)
    case head(ByteBuffer)
    case data(ByteBuffer)
    case trailers(ByteBuffer)

    var bytes: ByteBuffer {
        switch self {
        case .open(let bytes), .reason(let bytes), .head(let bytes), .data(let bytes), .trailers(let bytes): bytes
        }
    }
}

/// What one stream has to send, and how much of it its peer takes.
struct MuxSendQueue {
    /// How far this side of the stream is.
    enum End {
        /// More may come.
        case open
        /// Nothing more comes behind what is in the queue.
        case queued
        /// The last frame has been written.
        case sent
    }

    /// How many bytes of data the peer takes now. It can't be negative, but what waits can be more.
    private(set) var window = 0
    /// When the peer last gave the stream a window, or the stream began.
    private(set) var windowedAt = NIODeadline.distantPast
    private(set) var end = End.open
    /// The bytes of all that waits, of heads and trailers too.
    private(set) var bytes = 0
    /// How many of them are beyond the window, as of the last `recount`.
    private(set) var stuck = 0
    /// What slices of larger buffers in the queue keep from being freed, in bytes.
    private(set) var pinned = 0
    private var items = Deque<MuxSendItem>()
    private var isSmall = true
    /// What the stream has sent lately, in bytes, as of a time: half of it is forgotten in a second.
    private(set) var recent = 0
    private var recentAt = NIODeadline.distantPast

    /// A stream takes the place of one that has left.
    mutating func begin(window: Int, now: NIODeadline) {
        self.window = window
        windowedAt = now
        recentAt = now
    }

    /// The stream is over. The memory of the queue stays for the place's next one if it is empty and never was large.
    mutating func leave() {
        var next = MuxSendQueue()
        if isSmall, items.isEmpty { swap(&next.items, &items) }
        self = next
    }

    // MARK: - What waits

    /// What is to be sent next.
    var first: MuxSendItem? { items.first }

    /// Whether the stream's first frame waits: the peer doesn't know of it.
    var beginsWithOpening: Bool {
        if case .open = items.first { true } else { false }
    }

    /// Whether something could be sent if the session's window allows it.
    var canSend: Bool {
        switch items.first {
        case nil: end == .queued
        case .data: window > 0
        default: true
        }
    }

    /// The memory of what waits, in bytes.
    var capacity: Int { items.reduce(0) { $0 + $1.bytes.storageCapacity } }

    /// How many things wait.
    var count: Int { items.count }

    // MARK: - In

    mutating func append(_ item: MuxSendItem) {
        bytes += item.bytes.readableBytes
        items.append(item)
        if items.count > 8 { isSmall = false }
    }

    /// Copies data to the end of the data that is last in the queue, if both are small. False if it didn't.
    mutating func absorb(_ data: ByteBuffer) -> Bool {
        guard case .data(var last)? = items.last, last.absorbs(data) else { return false }
        // The queue gives up its reference first, or appending would copy what is there.
        items.removeLast()
        last.writeImmutableBuffer(data)
        items.append(.data(last))
        bytes += data.readableBytes
        return true
    }

    /// Nothing more will come.
    mutating func close() { if end == .open { end = .queued } }

    /// Data that waits is a slice of a buffer of so many bytes.
    mutating func pin(_ capacity: Int) { pinned += capacity }

    // MARK: - Out

    mutating func popFirst() -> MuxSendItem? {
        guard let item = items.popFirst() else { return nil }
        bytes -= item.bytes.readableBytes
        return item
    }

    /// Takes up to `limit` bytes of the data at the head of the queue, and of the window.
    mutating func takeData(_ limit: Int) -> ByteBuffer? {
        guard limit > 0, case .data(var data) = items.first else { return nil }
        if data.readableBytes <= limit {
            _ = popFirst()
            window -= data.readableBytes
            return data
        }
        guard let part = data.readSlice(length: limit) else { return nil }
        // A little that stays, for want of a window, doesn't keep all of it from being freed.
        items[items.startIndex] = .data(data.isSparse ? data.compacted() : data)
        bytes -= limit
        window -= limit
        return part
    }

    /// The frame that is being written may say that it is the last. True if it is.
    mutating func endsHere() -> Bool {
        guard end == .queued, items.isEmpty else { return false }
        end = .sent
        return true
    }

    /// The frame that was written ends this side, as one with trailers does.
    mutating func ended() { end = .sent }

    /// What no longer keeps anything from being freed, in bytes, once nothing waits.
    mutating func unpin() -> Int {
        guard bytes == 0, pinned != 0 else { return 0 }
        defer { pinned = 0 }
        return pinned
    }

    // MARK: - The window

    /// The peer takes so many bytes more. False if that is more than a window may be.
    mutating func widen(by increment: Int, now: NIODeadline) -> Bool {
        window += increment
        windowedAt = now
        return window <= MuxLimits.maximumWindow
    }

    /// By how many bytes more is stuck than when this was last asked, after what waits or the window has changed.
    mutating func recount() -> Int {
        let now = max(0, bytes - window)
        defer { stuck = now }
        return now - stuck
    }

    /// For so long nothing could come or go, which was nobody's fault.
    mutating func shiftTimes(by silence: TimeAmount) {
        if windowedAt != .distantPast { windowedAt = windowedAt + silence }
    }

    // MARK: - What was sent lately

    /// So much more was queued, which counts as sent.
    mutating func note(_ bytes: Int) { recent &+= bytes }

    /// Forgets what was sent long ago.
    mutating func age(_ now: NIODeadline) {
        let seconds = max(0, (now - recentAt).nanoseconds / 1_000_000_000)
        guard seconds > 0 else { return }
        recent >>= min(seconds, 62)
        recentAt = now
    }
}
