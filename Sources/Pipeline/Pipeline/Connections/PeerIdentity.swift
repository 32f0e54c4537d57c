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
    /// When the certificate ends, in seconds of the Unix epoch; nil where that isn't known.
    public var certificateEnd: Int?

    /// An identity with the names that a certificate has. Nothing is checked.
    public init(
        subject: String, commonName: String?, dnsNames: [String], uris: [String], publicKeyHash: String, certificateEnd: Int? = nil
    ) {
        self.subject = subject
        self.commonName = commonName
        self.dnsNames = dnsNames
        self.uris = uris
        self.publicKeyHash = publicKeyHash
        self.certificateEnd = certificateEnd
    }

    /// The shortest name that a person would recognise.
    public var description: String { commonName ?? dnsNames.first ?? uris.first ?? subject }
}
