import NIOCore
import Synchronization

/// Remembers for a while which credentials were right, and what they stood for, so that not every request costs a slow hash or
/// a signature. They are known by a hash under a key that only this process has; the credentials themselves aren't kept.
final class VerifiedCredentials<Value: Sendable>: Sendable {
    /// Makes the hash by which credentials are known.
    let hash = KeyedHash()
    private let capacity: Int
    private let entries = Mutex<[KeyedHash.Value: Entry]>([:])

    private struct Entry {
        var value: Value
        var until: NIODeadline
    }

    init(capacity: Int) { self.capacity = capacity }

    func value(_ hash: KeyedHash.Value, now: NIODeadline) -> Value? {
        entries.withLock { entries in
            guard let entry = entries[hash], entry.until > now else { return nil }
            return entry.value
        }
    }

    func remember(_ hash: KeyedHash.Value, _ value: Value, until: NIODeadline, now: NIODeadline) {
        entries.withLock { entries in
            if entries.count >= capacity {
                entries = entries.filter { $0.value.until > now }
                // Still full: any one goes, and is verified again when it comes.
                if entries.count >= capacity, let some = entries.keys.first { entries[some] = nil }
            }
            entries[hash] = Entry(value: value, until: until)
        }
    }

    var count: Int { entries.withLock { $0.count } }
}
