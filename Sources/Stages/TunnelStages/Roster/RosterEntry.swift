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

    /// An entry of which nothing but the key is known.
    package init(key: String) { self.key = key }
}
