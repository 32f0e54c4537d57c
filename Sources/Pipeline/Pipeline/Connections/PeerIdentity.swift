/// Who a peer proved to be with its certificate.
public struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// The distinguished name, RFC 4514.
    public var subject: String
    /// The common name (CN) of the subject; nil where it has none.
    public var commonName: String?
    /// The DNS names of the certificate's subjectAltName (RFC 5280, 4.2.1.6), in its order.
    public var dnsNames: [String]
    /// The URIs of the certificate's subjectAltName (RFC 5280, 4.2.1.6), in its order.
    public var uris: [String]
    /// SHA-256 of the SubjectPublicKeyInfo, in lowercase hexadecimal digits.
    public var publicKeyHash: String

    /// An identity with the names that a certificate has. Nothing is checked.
    public init(subject: String, commonName: String?, dnsNames: [String], uris: [String], publicKeyHash: String) {
        self.subject = subject
        self.commonName = commonName
        self.dnsNames = dnsNames
        self.uris = uris
        self.publicKeyHash = publicKeyHash
    }

    /// The shortest name that a person would recognise.
    public var description: String { commonName ?? dnsNames.first ?? uris.first ?? subject }
}
