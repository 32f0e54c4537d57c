import Crypto
package import NIOSSL
import Pipeline
import Platform
import SwiftASN1
package import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension PeerIdentity {
    /// What a peer's certificate says of it. Throws for a certificate that can't be understood; a peer chooses its bytes.
    package init(_ certificate: NIOSSLCertificate) throws {
        try self.init(Certificate(derEncoded: certificate.toDERBytes()))
    }

    /// What a certificate says of its holder.
    package init(_ certificate: Certificate) throws {
        var dnsNames: [String] = []
        var uris: [String] = []
        for name in try certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames() {
            switch name {
            case .dnsName(let name) where Self.isPrintable(name): dnsNames.append(name)
            case .uniformResourceIdentifier(let uri) where Self.isPrintable(uri): uris.append(uri)
            default: break
            }
        }
        try self.init(
            subject: certificate.subject.rfc4514,
            commonName: certificate.subject.commonName,
            dnsNames: dnsNames,
            uris: uris,
            publicKeyHash: certificate.publicKey.infoHash(),
            certificateEnd: Int(certificate.notValidAfter.timeIntervalSince1970))
    }

    /// A DNS name or URI is visible ASCII. One that isn't could only deceive whoever reads or compares it, and is left out.
    private static func isPrintable(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

extension Certificate.PublicKey {
    /// SHA-256 of the key with its kind (SubjectPublicKeyInfo, RFC 5280, 4.1.2.7), in lowercase hexadecimal digits, as other tools have it: the
    /// library's `subjectPublicKeyInfoBytes` are the bare key.
    package func infoHash() throws -> String {
        var keyInfo = DER.Serializer()
        try keyInfo.serialize(self)
        return Hexadecimal.string(SHA256.hash(data: keyInfo.serializedBytes))
    }
}
