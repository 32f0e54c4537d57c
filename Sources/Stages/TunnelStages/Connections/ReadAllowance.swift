import NIOCore

/// Reading on only while what was read has somewhere to go: what a reader may still pass on before it gets credit, and whether it reads.
/// A value; the channel is told by `autoRead`, for it may call its handlers back at once.
struct ReadAllowance {
    private var bytes: Int
    private let window: Int
    private(set) var isPaused = false
    /// What the connection has is being read.
    private var isInTurn = false

    init(window: Int) {
        self.bytes = window
        self.window = window
    }

    /// Whether it is to be asked whether to read on, in the middle of a turn.
    var isOverdrawn: Bool { bytes < 0 }

    mutating func reset() { bytes = window }
    mutating func spend(_ count: Int) { bytes -= count }
    mutating func earn(_ count: Int) { bytes += count }

    /// A turn of reading begins: what is read in it is mostly passed on before it is over, and to stop and go on in each would be two system
    /// calls. So until `endTurn` reading goes on with the last byte of the allowance, and stops at once only with more than that.
    mutating func beginTurn() { isInTurn = true }
    mutating func endTurn() { isInTurn = false }

    /// Whether to read on.
    /// - Parameters:
    ///   - isTaken: Whether somebody takes what is read. Else it is thrown away, or nothing is expected.
    ///   - isAccepted: Whether he takes more, beside the credit that he has given.
    func mayRead(isTaken: Bool, isAccepted: Bool = true) -> Bool {
        !isTaken || isAccepted && (isInTurn ? bytes >= 0 : bytes > 0)
    }

    /// Notes whether reading is to go on. The result is what the channel is to be told, if that is a change.
    mutating func change(to isReading: Bool) -> Bool? {
        guard isReading == isPaused else { return nil }
        isPaused = !isReading
        return isReading
    }
}

extension Channel {
    func setReading(_ reading: Bool) {
        try? syncOptions?.setOption(.autoRead, value: reading)
    }
}
