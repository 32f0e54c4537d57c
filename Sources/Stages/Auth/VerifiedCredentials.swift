import Crypto
import NIOCore
import Synchronization

/// Remembers for a while which credentials were right, and what they stood for, so that not every request costs a slow hash or
/// a signature. They are known by a hash under a key that only this process has; the credentials themselves aren't kept.
final class VerifiedCredentials<Value: Sendable>: Sendable {
    /// With the key in it; each hash goes on from a copy.
    private let keyed = HMAC<SHA256>(key: SymmetricKey(size: .bits256))
    private let capacity: Int
    private let entries = Mutex<[HMAC<SHA256>.MAC: Entry]>([:])

    private struct Entry {
        var value: Value
        var until: NIODeadline
    }

    init(capacity: Int) { self.capacity = capacity }

    /// The hash by which credentials are known. Every part counts for itself: `ab`, `c` isn't `a`, `bc`.
    func hash(_ first: Substring, _ second: Substring? = nil) -> HMAC<SHA256>.MAC {
        var hash = keyed
        Self.add(first, to: &hash)
        if let second { Self.add(second, to: &hash) }
        return hash.finalize()
    }

    private static func add(_ part: Substring, to hash: inout HMAC<SHA256>) {
        var part = part
        part.withUTF8 { bytes in
            withUnsafeBytes(of: UInt64(bytes.count)) { hash.update(data: $0) }
            hash.update(data: UnsafeRawBufferPointer(bytes))
        }
    }

    func value(_ hash: HMAC<SHA256>.MAC, now: NIODeadline) -> Value? {
        entries.withLock { entries in
            guard let entry = entries[hash], entry.until > now else { return nil }
            return entry.value
        }
    }

    func remember(_ hash: HMAC<SHA256>.MAC, _ value: Value, until: NIODeadline, now: NIODeadline) {
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
