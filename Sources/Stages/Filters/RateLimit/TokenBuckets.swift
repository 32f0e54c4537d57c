import Synchronization

/// Token buckets for any number of keys in memory of a fixed size, shared by all event loops.
///
/// A bucket is one point in time: when it is full again (the generic cell rate algorithm). Taking tokens moves it on by the time
/// in which they come back; as long as it isn't further from now than a full bucket is from an empty one, there were enough. A
/// full bucket is as good as none, so it is forgotten without loss. Slots are in sets of eight: a new key takes the place of a
/// full bucket of its set or, where there is none, of the one that is nearest to being full.
///
/// Times are nanoseconds of any clock that doesn't go back; callers pass them in.
final class TokenBuckets: Sendable {
    private static let ways = 8
    private let shards: [Shard]
    private let shardBits: Int
    private let setMask: UInt64

    private struct Slot {
        var key: UInt64 = 0
        var fullAt = Int64.min
    }

    private final class Shard: Sendable {
        let slots: Mutex<[Slot]>
        init(count: Int) { slots = Mutex([Slot](repeating: Slot(), count: count)) }
    }

    /// - Parameter capacity: how many buckets there are at most; rounded up to a power of two, at least eight.
    init(capacity: Int) {
        var sets = 1
        while sets * Self.ways < capacity { sets *= 2 }
        shardBits = sets >= 256 ? 4 : 0
        let setsInShard = sets >> shardBits
        setMask = UInt64(setsInShard - 1)
        shards = (0..<(1 << shardBits)).map { _ in Shard(count: setsInShard * Self.ways) }
    }

    var capacity: Int { shards.reduce(0) { $0 + $1.slots.withLock { $0.count } } }

    enum Taken: Equatable {
        case granted
        /// There will be enough in so many nanoseconds.
        case refused(wait: Int64)
    }

    /// Takes tokens if there are enough of them.
    /// - Parameters:
    ///   - cost: of the tokens, as time.
    ///   - burst: a full bucket, as time.
    func take(_ key: UInt64, cost: Int64, burst: Int64, now: Int64) -> Taken {
        withSlot(key, now: now) { slot in
            let fullAt = max(slot.fullAt, now) + cost
            guard fullAt - now <= burst else { return .refused(wait: fullAt - now - burst) }
            slot.fullAt = fullAt
            return .granted
        }
    }

    /// Takes tokens that may not be there yet. The result is when they are, never before `now`.
    func reserve(_ key: UInt64, cost: Int64, burst: Int64, now: Int64) -> Int64 {
        withSlot(key, now: now) { slot in
            // A debt that no time pays is cut, so that the sum can't overflow.
            slot.fullAt = min(max(slot.fullAt, now) + cost, .max / 2)
            return max(now, slot.fullAt - burst)
        }
    }

    /// Puts back tokens that were reserved and not used.
    func giveBack(_ key: UInt64, cost: Int64, now: Int64) {
        withSlot(key, now: now) { slot in
            if slot.fullAt > now { slot.fullAt -= cost }
        }
    }

    /// What `take` would say. Nothing is taken.
    func look(_ key: UInt64, cost: Int64, burst: Int64, now: Int64) -> Taken {
        let wait = debt(key, now: now) + cost - burst
        return wait > 0 ? .refused(wait: wait) : .granted
    }

    /// How far a bucket is from being full, as time: more than a full one where tokens were reserved ahead.
    func debt(_ key: UInt64, now: Int64) -> Int64 {
        let shard = shards[Int(key & (UInt64(shards.count) - 1))]
        let first = Int((key >> UInt64(shardBits)) & setMask) * Self.ways
        return shard.slots.withLock { slots in
            let slot = slots[first..<(first + Self.ways)].first { $0.key == key && $0.fullAt > now }
            return slot.map { $0.fullAt - now } ?? 0
        }
    }

    private func withSlot<Result>(_ key: UInt64, now: Int64, _ body: (inout Slot) -> Result) -> Result {
        let shard = shards[Int(key & (UInt64(shards.count) - 1))]
        let first = Int((key >> UInt64(shardBits)) & setMask) * Self.ways
        return shard.slots.withLock { slots in
            var chosen = first
            for index in first..<(first + Self.ways) {
                if slots[index].key == key, slots[index].fullAt > now {
                    return body(&slots[index])
                }
                if slots[index].fullAt < slots[chosen].fullAt { chosen = index }
            }
            var slot = Slot(key: key)
            defer { if slot.fullAt > now { slots[chosen] = slot } }
            return body(&slot)
        }
    }
}

/// How many exchanges of each key are open: as many entries as there are keys with an open exchange, no more.
final class OpenCounts: Sendable {
    private let counts = Mutex<[UInt64: Int]>([:])

    /// False, and nothing is counted, when there are `limit` already.
    func enter(_ key: UInt64, limit: Int) -> Bool {
        counts.withLock { counts in
            let count = counts[key, default: 0]
            guard count < limit else { return false }
            counts[key] = count + 1
            return true
        }
    }

    func leave(_ key: UInt64) {
        counts.withLock { counts in
            guard let count = counts[key] else { return }
            counts[key] = count > 1 ? count - 1 : nil
        }
    }

    /// How many are open.
    func count(_ key: UInt64) -> Int { counts.withLock { $0[key] ?? 0 } }

    var keys: Int { counts.withLock { $0.count } }
}
