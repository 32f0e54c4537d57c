/// A number that only grows. Confined to its shard's loop: adding is an integer addition, nothing else.
public final class Counter {
    public private(set) var value: Int64 = 0

    init() {}

    /// Counts so many more.
    @inline(__always)
    public func add(_ amount: Int64 = 1) { value &+= amount }
}

/// A number that goes up and down. Confined to its shard's loop.
public final class Gauge {
    public var value: Int64 = 0

    init() {}

    /// So many more or, negative, fewer.
    @inline(__always)
    public func add(_ amount: Int64) { value &+= amount }
}

/// How often an amount fell below each of some bounds. Confined to its shard's loop.
public final class Histogram {
    /// Upper bounds, rising; one more bucket counts what is above the last.
    public let bounds: [Int64]
    public private(set) var counts: [Int64]
    public private(set) var sum: Int64 = 0

    init(bounds: [Int64]) {
        self.bounds = bounds
        self.counts = [Int64](repeating: 0, count: bounds.count + 1)
    }

    /// Counts one amount, in the unit of the bounds.
    public func record(_ amount: Int64) {
        var index = 0
        while index < bounds.count, amount > bounds[index] { index += 1 }
        counts[index] &+= 1
        sum &+= amount
    }
}

@available(*, unavailable)
extension Counter: Sendable {}

@available(*, unavailable)
extension Gauge: Sendable {}

@available(*, unavailable)
extension Histogram: Sendable {}
