/// Who a peer proved to be with its certificate.
public struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// The distinguished name, RFC 4514.
    public var subject: String
    public var commonName: String?
    public var dnsNames: [String]
    public var uris: [String]
    /// SHA-256 of the SubjectPublicKeyInfo, in lowercase hexadecimal digits.
    public var publicKeyHash: String

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
