package import Crypto

/// Hashes secrets under a key that only this instance has, so that they can be looked up without being kept, in a time that says
/// nothing about them (HMAC, RFC 2104).
package struct KeyedHash: Sendable {
    /// A hash, whose comparison takes the same time wherever two differ.
    package typealias Value = HMAC<SHA256>.MAC

    /// With the key in it; each hash goes on from a copy.
    private let keyed = HMAC<SHA256>(key: SymmetricKey(size: .bits256))

    /// An instance with a random key of 256 bits.
    package init() {}

    /// Every part counts for itself: `ab`, `c` isn't `a`, `bc`.
    package func callAsFunction(_ first: Substring, _ second: Substring? = nil) -> Value {
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
}
