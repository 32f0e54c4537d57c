import DequeModule
import HTTPMessages
import NIOCore

/// One direction of an exchange: what waits to pass, and what credit is owed for what a gate has changed.
struct ExchangeFlow {
    enum Event {
        case head(ResponseHead)
        case body(ByteBuffer)
        case end(HeaderFields?)
    }

    /// No gate looks at the bytes.
    var isPlain = true
    /// Something is awaited: a decision, a sink. What comes meanwhile is held; it is bounded, for none of it earns credit.
    var isAwaiting = false
    /// How many times stages hold the direction.
    var holds = 0
    /// What was held is on its way: what comes goes behind it.
    var isReleasing = false
    /// The sender has said everything, though its end may still be held.
    var isComplete = false
    /// What ended the sender behind its end, while that was held.
    var failureBehindEnd: Failure?
    var ended = false
    private var held = Deque<Event>()
    // The end, behind what is held. Apart, so that a request that is only a head needs no queue.
    private var heldEnd: HeaderFields??
    // Bytes in the sender's count and in the receiver's, passed on and not yet credited. They differ where a gate changed
    // the bytes' number.
    private var sent = 0
    private var received = 0

    /// Nothing may pass.
    var isBlocked: Bool { isAwaiting || holds > 0 }
    /// What comes goes behind what is held.
    var isHeld: Bool { isBlocked || isReleasing }
    /// Bytes go straight from one side to the other.
    var isStraight: Bool { isPlain && !isHeld }

    mutating func hold(_ event: Event) {
        if case .end(let trailers) = event {
            heldEnd = .some(trailers)
            return
        }
        guard case .body(let bytes) = event, case .body(var last)? = held.last, last.absorbs(bytes) else {
            return held.append(event)
        }
        // The queue gives up its reference first, or appending would copy what is there.
        held.removeLast()
        last.writeImmutableBuffer(bytes)
        held.append(.body(last))
    }

    mutating func nextHeld() -> Event? {
        if let first = held.popFirst() { return first }
        defer { heldEnd = nil }
        return heldEnd.map(Event.end)
    }

    mutating func discard() {
        if !held.isEmpty { held = [] }
        heldEnd = nil
        ended = true
    }

    /// A gate made `after` bytes of `before`: the receiver will credit the former, the sender is owed the latter. The result
    /// is what the sender is owed at once, for nothing was passed on from which credit could come.
    mutating func changed(from before: Int, to after: Int) -> Int {
        sent += before
        received += after
        guard received == 0 else { return 0 }
        defer { sent = 0 }
        return sent
    }

    /// What the sender is owed when the receiver has passed on `bytes` of its count.
    mutating func credit(_ bytes: Int) -> Int {
        guard sent > 0 || received > 0 else { return bytes }
        if bytes >= received {
            defer { (sent, received) = (0, 0) }
            return sent + (bytes - received)
        }
        let owed = sent / received * bytes + sent % received * bytes / received
        sent -= owed
        received -= bytes
        return owed
    }
}
