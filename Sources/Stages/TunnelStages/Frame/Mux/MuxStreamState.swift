import NIOCore

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

/// One stream of a session. A value in the session's table; `id` 0 is a free place.
struct MuxStreamState {
    /// What has come, at the opener, or was sent, at the acceptor, of the answer.
    enum Answer {
        case none
        /// Why the answer is the acceptor's own, and not an origin's.
        case explained
        /// The final response's head.
        case head
    }

    var id: UInt32 = 0
    var sending = MuxSendQueue()
    var receiving = MuxReceiveWindow()
    var answer = Answer.none
    /// The opener has said that the response's body may come deflated.
    var takesDeflated = false
    var informationals = 0
    /// What the heads and trailers that came count against the memory for heads.
    var headBytes = 0
    /// Waits for the session to take more data.
    var isParked = false
    /// Waits for its window, to send more.
    var awaitsWindow = false
    /// Which list of streams with something to send it stands in.
    var readiness = MuxReadyList.Place.none
    /// What it has carried both ways, in bytes.
    private(set) var carried = 0
    /// In a free place: what its last stream left behind, until the owner has taken it over.
    var left = MuxHolding()

    init() {}

    /// A stream takes a free place.
    mutating func begin(id: UInt32, sendWindow: Int, receiveWindow: Int, now: NIODeadline) {
        self.id = id
        sending.begin(window: sendWindow, now: now)
        receiving.begin(size: receiveWindow)
    }

    /// Makes a free place of a stream's. True if the stream leaves something behind.
    mutating func leave() -> Bool {
        let holding = MuxHolding(
            bytes: receiving.held, heads: headBytes, pinned: receiving.pinned, since: receiving.heldSince,
            isUnsettled: receiving.held > 0 || headBytes > 0)
        var sending = MuxSendQueue()
        swap(&sending, &self.sending)
        sending.leave()
        self = MuxStreamState()
        self.sending = sending
        if holding.isUnsettled { left = holding }
        return holding.isUnsettled
    }

    /// Whether the final response's head has come (opener), or was sent (acceptor).
    var isAnswered: Bool { answer == .head }

    /// Whether both sides have ended it.
    var isOver: Bool { id != 0 && sending.end == .sent && receiving.hasEnded }

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
        sending.shiftTimes(by: silence)
        receiving.shiftTimes(by: silence)
    }
}
