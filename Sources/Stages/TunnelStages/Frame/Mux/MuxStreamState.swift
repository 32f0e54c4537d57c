import DequeModule
import NIOCore
import Pipeline

/// What a stream that is over still holds of its session's memory: bytes that came and are not passed on, and heads. It comes
/// back to the session when they are passed on or dropped.
package struct MuxHolding: Equatable {
    /// Bytes that came and aren't passed on.
    package var bytes = 0
    var heads = 0
    /// What the bytes keep from being freed, being slices of larger buffers.
    var pinned = 0
    /// Since when some of the bytes have been here at least.
    var since = NIODeadline.distantPast
    /// Whether the session waits for it to be settled.
    var isUnsettled = false
}

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

/// One stream of a session. A value in the session's table; `id` 0 is a free place.
struct MuxStreamState {
    var id: UInt32 = 0

    /// What it has carried both ways, in bytes.
    private(set) var carried = 0

    // Sending.
    var sendWindow = 0
    private(set) var queue = Deque<MuxSendItem>()
    private(set) var queuedBytes = 0
    private var isQueueSmall = true
    /// What the queue's slices keep from being freed.
    var sendPinned = 0
    var isEndQueued = false
    var isEndSent = false
    /// Waits for the session to take more data.
    var isParked = false
    /// What it has sent lately, in bytes, as of a time: half of it is forgotten in a second.
    private(set) var recent = 0
    private var recentAt = NIODeadline.distantPast
    /// Waits for its window, to send more.
    var awaitsWindow = false
    /// What of its queue is beyond its window, in bytes.
    var stuck = 0
    /// Which list of streams with something to send it stands in.
    var readiness = MuxReadyList.Place.none

    /// When its peer last gave it a window, or it began.
    var windowedAt = NIODeadline.distantPast

    // Receiving.
    /// What the peer may have sent and not yet been granted again. It can grow.
    var window = 0
    /// What is left of it.
    var receiveWindow = 0
    /// When credit was last given, or the first data came.
    var grantedAt = NIODeadline.distantPast
    /// Its reader keeps up, so that it has a share of what streams may grow by.
    var isGrowing = false
    /// Came and not yet passed on.
    private(set) var received = 0
    /// Since when some of that has been here at least, and how much of what was here then is left.
    private(set) var heldSince = NIODeadline.distantPast
    private var aged = 0
    /// What slices of it keep from being freed, so long as any of it is not passed on.
    var pinned = 0
    /// Passed on and not yet granted to the peer again.
    var consumed = 0
    var isWindowQueued = false
    var isReceiveEnded = false
    /// The final response's head has come (opener), or has been sent (acceptor).
    var isAnswered = false
    /// The peer has said why it answers in the origin's place.
    var isExplained = false
    /// The opener has said that the response's body may come deflated.
    var takesDeflated = false
    var informationals = 0
    /// What the heads and trailers that came count against the memory for heads.
    var headBytes = 0
    /// In a free place: what its last stream left behind, until the owner has taken it over.
    var left = MuxHolding()

    init() {}

    /// Makes a free place of a stream's, with the memory of its queue if that is empty and never was large. True if the stream leaves
    /// something behind.
    mutating func leave() -> Bool {
        let holding = MuxHolding(
            bytes: received, heads: headBytes, pinned: pinned, since: heldSince, isUnsettled: received > 0 || headBytes > 0)
        var kept = Deque<MuxSendItem>()
        if isQueueSmall, queue.isEmpty { swap(&kept, &queue) }
        self = MuxStreamState()
        queue = kept
        if holding.isUnsettled { left = holding }
        return holding.isUnsettled
    }

    /// A stream takes a free place.
    mutating func begin(id: UInt32, sendWindow: Int, receiveWindow: Int, now: NIODeadline) {
        self.id = id
        self.windowedAt = now
        self.recentAt = now
        self.sendWindow = sendWindow
        self.window = receiveWindow
        self.receiveWindow = receiveWindow
    }

    /// Bytes have come.
    mutating func receive(_ bytes: Int, now: NIODeadline) {
        if received == 0 { (aged, heldSince) = (bytes, now) }
        received += bytes
        receiveWindow -= bytes
    }

    /// Bytes that came have been passed on.
    mutating func passOn(_ bytes: Int, now: NIODeadline) {
        received -= bytes
        consumed += bytes
        aged -= bytes
        // Nothing is left of what was here then: the rest came later.
        if aged <= 0 { (aged, heldSince) = (received, now) }
    }

    /// It has carried more than so many bytes: it isn't one of many small things.
    private static let bulk = 131_072

    /// It has carried so many bytes more. True once, when it turns out to be one that carries much.
    mutating func carry(_ bytes: Int) -> Bool {
        defer { carried &+= bytes }
        return carried <= Self.bulk && carried + bytes > Self.bulk
    }

    var isBulk: Bool { carried > Self.bulk }

    /// For so long nothing could come or go, which was nobody's fault.
    mutating func shiftTimes(by silence: TimeAmount) {
        if windowedAt != .distantPast { windowedAt = windowedAt + silence }
        if heldSince != .distantPast { heldSince = heldSince + silence }
        if grantedAt != .distantPast { grantedAt = grantedAt + silence }
    }

    /// So much more is to be sent.
    mutating func noteSending(_ bytes: Int) { recent &+= bytes }

    /// Forgets what was sent long ago.
    mutating func ageSending(_ now: NIODeadline) {
        let seconds = max(0, (now - recentAt).nanoseconds / 1_000_000_000)
        guard seconds > 0 else { return }
        recent >>= min(seconds, 62)
        recentAt = now
    }

    var isOver: Bool { id != 0 && isEndSent && isReceiveEnded }

    var isOpeningQueued: Bool {
        if case .open = queue.first { true } else { false }
    }

    /// Whether something could be sent if the session's window allows it.
    var canSend: Bool {
        switch queue.first {
        case nil: isEndQueued && !isEndSent
        case .data: sendWindow > 0
        default: true
        }
    }

    mutating func enqueue(_ item: MuxSendItem) {
        queuedBytes += item.bytes.readableBytes
        queue.append(item)
        if queue.count > 8 { isQueueSmall = false }
    }

    /// Copies data to the end of the data that is last in the queue, if both are small.
    mutating func absorb(_ bytes: ByteBuffer) -> Bool {
        guard case .data(var last)? = queue.last, last.absorbs(bytes) else { return false }
        // The queue gives up its reference first, or appending would copy what is there.
        queue.removeLast()
        last.writeImmutableBuffer(bytes)
        queue.append(.data(last))
        queuedBytes += bytes.readableBytes
        return true
    }

    mutating func dequeue() -> MuxSendItem? {
        guard let item = queue.popFirst() else { return nil }
        queuedBytes -= item.bytes.readableBytes
        return item
    }

    var first: MuxSendItem? { queue.first }

    /// The memory of what is in the queue, in bytes.
    var queueCapacity: Int { queue.reduce(0) { $0 + $1.bytes.storageCapacity } }
    var queueCount: Int { queue.count }

    /// Takes up to `limit` bytes of the data at the head of the queue.
    mutating func takeData(_ limit: Int) -> ByteBuffer? {
        guard limit > 0, case .data(var bytes) = queue.first else { return nil }
        if bytes.readableBytes <= limit {
            _ = dequeue()
            return bytes
        }
        guard let part = bytes.readSlice(length: limit) else { return nil }
        // A little that stays, for want of a window, doesn't keep all of it from being freed.
        queue[queue.startIndex] = .data(bytes.isSparse ? bytes.compacted() : bytes)
        queuedBytes -= limit
        return part
    }
}
