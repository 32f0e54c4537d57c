import NIOSSL

/// The signatures that are taken from peers.
enum TLSSignatures {
    /// What the library takes by itself, but those of SHA-1, and those of the keys that it leaves out: Ed25519, which private authorities
    /// like, and P-521. The one that is liked best comes first.
    static let verified: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .ed25519, .rsaPssRsaeSha256, .rsaPkcs1Sha256,
        .ecdsaSecp384R1Sha384, .rsaPssRsaeSha384, .rsaPkcs1Sha384,
        .ecdsaSecp521R1Sha512, .rsaPssRsaeSha512, .rsaPkcs1Sha512,
    ]
    /// The same for origins, which aren't ours to renew: the library's last choice as well.
    static let verifiedOfOrigins = verified + [.rsaPkcs1Sha1]
}
