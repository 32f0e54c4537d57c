/// A number that only grows. Confined to its shard's loop: adding is an integer addition, nothing else.
public final class Counter {
    // Private, so that the compiler sees that nothing is done with it that would have to be checked at each addition.
    private var count: Int64 = 0

    /// The count so far.
    public var value: Int64 { count }

    init() {}

    /// Counts so many more.
    @inline(__always)
    public func add(_ amount: Int64 = 1) { count &+= amount }

    /// It counts something else from now on.
    func restart() { count = 0 }
}

/// A number that goes up and down. Confined to its shard's loop.
public final class Gauge {
    private var level: Int64 = 0

    /// The level now.
    public var value: Int64 {
        get { level }
        set { level = newValue }
    }

    init() {}

    /// So many more or, negative, fewer.
    @inline(__always)
    public func add(_ amount: Int64) { level &+= amount }
}

/// How often an amount fell below each of some bounds. Confined to its shard's loop.
public final class Histogram {
    /// Upper bounds, rising; one more bucket counts what is above the last.
    public let bounds: [Int64]
    /// How many amounts fell into each bucket, not added up: one number more than there are bounds.
    public var counts: [Int64] { buckets }
    /// The sum of all amounts, in the unit of the bounds.
    public var sum: Int64 { total }
    private var buckets: [Int64]
    private var total: Int64 = 0

    init(bounds: [Int64]) {
        self.bounds = bounds
        self.buckets = [Int64](repeating: 0, count: bounds.count + 1)
    }

    /// Counts one amount, in the unit of the bounds.
    public func record(_ amount: Int64) {
        var index = 0
        while index < bounds.count, amount > bounds[index] { index += 1 }
        buckets[index] &+= 1
        total &+= amount
    }

    /// It counts something else from now on.
    func restart() {
        buckets = [Int64](repeating: 0, count: bounds.count + 1)
        total = 0
    }
}

@available(*, unavailable)
extension Counter: Sendable {}

@available(*, unavailable)
extension Gauge: Sendable {}

@available(*, unavailable)
extension Histogram: Sendable {}
