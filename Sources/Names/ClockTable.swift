/// A table of limited size. What nobody has used since it was last considered gives its place to what is new.
struct ClockTable<Key: Hashable, Value> {
    fileprivate struct Slot {
        var key: Key
        var value: Value
        var wasUsed: Bool
    }

    private let limit: Int
    private var slots: [Slot] = []
    private var places: [Key: Int] = [:]
    private var hand = 0

    /// - Parameter limit: How many entries there may be, at least one.
    init(limit: Int) { self.limit = max(1, limit) }

    var count: Int { slots.count }

    /// The value of a key. To set it to nil removes it.
    subscript(key: Key) -> Value? {
        mutating get {
            guard let place = places[key] else { return nil }
            slots[place].wasUsed = true
            return slots[place].value
        }
        set {
            guard let newValue else { return remove(key) }
            if let place = places[key] {
                slots[place].value = newValue
            } else {
                insert(newValue, for: key)
            }
        }
    }

    private mutating func insert(_ value: Value, for key: Key) {
        let slot = Slot(key: key, value: value, wasUsed: false)
        guard slots.count >= limit else {
            places[key] = slots.count
            return slots.append(slot)
        }
        // Ends after one round at the latest: whoever is passed over is unused then.
        while slots[hand].wasUsed {
            slots[hand].wasUsed = false
            hand = (hand + 1) % slots.count
        }
        places[slots[hand].key] = nil
        places[key] = hand
        slots[hand] = slot
        hand = (hand + 1) % slots.count
    }

    private mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key), let last = slots.popLast() else { return }
        if place < slots.count {
            slots[place] = last
            places[last.key] = place
        }
        if hand >= slots.count { hand = 0 }
    }
}

extension ClockTable: Sendable where Key: Sendable, Value: Sendable {}
extension ClockTable.Slot: Sendable where Key: Sendable, Value: Sendable {}
