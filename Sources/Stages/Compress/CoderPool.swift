import NIOCore

/// zlib's memory on one loop: how much of it is in use, and what lies ready for the next body.
final class CoderPool {
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

    /// For a body to whom `Deflater.memory` was promised.
    func deflater() -> Deflater? { deflaters.popLast() ?? Deflater(level: level) }

    /// For a body to whom `Inflater.memory` was promised.
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
