import NIOCore

/// What a reader may still pass on before it gets credit. Reading stops and goes on by the channel's `autoRead`.
struct ReadAllowance {
    private var bytes: Int
    private let window: Int
    private(set) var isPaused = false

    init(window: Int) {
        self.bytes = window
        self.window = window
    }

    var isUsedUp: Bool { bytes <= 0 }
    /// More was read than there was allowance for: reading stops at once, and not only when the turn is over.
    var isOverdrawn: Bool { bytes < 0 }

    mutating func reset() { bytes = window }
    mutating func spend(_ count: Int) { bytes -= count }
    mutating func earn(_ count: Int) { bytes += count }

    /// Notes that reading is to go on or to stop. True if that is a change, which the caller then makes on the channel: not
    /// here, for a channel may call its handlers back at once.
    mutating func shouldRead(_ reading: Bool) -> Bool {
        guard reading == isPaused else { return false }
        isPaused = !reading
        return true
    }
}

extension Channel {
    func setReading(_ reading: Bool) {
        try? syncOptions?.setOption(.autoRead, value: reading)
    }
}
