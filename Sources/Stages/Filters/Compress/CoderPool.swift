import NIOCore

/// What coding takes on one loop: how much of it is in use, and zlib's memory that lies ready for the next body.
final class CoderPool {
    /// What a body takes at most that is deflated here, in bytes: zlib's memory, and what waits for the receiver.
    static let deflating = Deflater.memory + CodedBody.limit
    /// The same for one that is inflated.
    static let inflating = Inflater.memory + CodedBody.limit + CodedBody.portion

    private static let spareDeflaters = 16
    private static let spareInflaters = 64

    private let level: Int
    private let limit: Int
    /// What is in use or promised, in bytes.
    private(set) var used = 0
    private var deflaters: [Deflater] = []
    private var inflaters: [Inflater] = []

    init(level: Int, limit: Int) {
        self.level = level
        self.limit = limit
    }

    /// Promises memory. False when there is too little left.
    func reserve(_ bytes: Int) -> Bool {
        guard used + bytes <= limit else { return false }
        used += bytes
        return true
    }

    func release(_ bytes: Int) { used -= bytes }

    /// For a body to which `deflating` bytes were promised.
    func deflater() -> Deflater? { deflaters.popLast() ?? Deflater(level: level) }

    /// For a body to which `inflating` bytes were promised.
    func inflater() -> Inflater? { inflaters.popLast() ?? Inflater() }

    func take(back deflater: Deflater) {
        if deflaters.count < Self.spareDeflaters, deflater.reset() { deflaters.append(deflater) }
    }

    func take(back inflater: Inflater) {
        if inflaters.count < Self.spareInflaters, inflater.reset() { inflaters.append(inflater) }
    }
}

@available(*, unavailable)
extension CoderPool: Sendable {}
