/// What is known of one key that may come in, or may no longer. Times are seconds of the Unix epoch.
package struct RosterEntry: Sendable, Equatable {
    /// SHA-256 of the key (SubjectPublicKeyInfo), in lowercase hexadecimal digits.
    package let key: String
    /// The common name of its certificate; nil where nobody has said it.
    package var name: String?
    /// A URI among the certificate's names.
    package var uri: String?
    /// When its certificate was issued here; nil for one that was made elsewhere.
    package var joined: Int?
    /// When its certificate ends.
    package var end: Int?
    /// When it was last connected.
    package var seen: Int?
    /// Where it came from then: an address and a port.
    package var from: String?
    /// When it was revoked; nil for one that may come in.
    package var revoked: Int?

    /// What two places know of one key, taken together.
    package func merged(with other: RosterEntry) -> RosterEntry {
        func latest(_ path: KeyPath<RosterEntry, Int?>) -> Int? {
            [self[keyPath: path], other[keyPath: path]].compactMap { $0 }.max()
        }
        var entry = self
        (entry.name, entry.uri, entry.joined) = (name ?? other.name, uri ?? other.uri, joined ?? other.joined)
        entry.from = (seen ?? .min) >= (other.seen ?? .min) ? from ?? other.from : other.from
        (entry.end, entry.seen) = (latest(\.end), latest(\.seen))
        entry.revoked = revoked ?? other.revoked
        return entry
    }

    /// An entry of which nothing but the key is known.
    package init(key: String) { self.key = key }
}
