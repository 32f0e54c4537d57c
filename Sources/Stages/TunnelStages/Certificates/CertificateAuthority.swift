import Crypto
import Platform
import SwiftASN1
package import X509

#if canImport(FoundationEssentials)
package import FoundationEssentials
#else
package import Foundation
#endif

/// A private certificate authority: what every agent and server of one tunnel trusts, and nobody else.
package struct CertificateAuthority: Sendable {
    /// The authority's own certificate, which it has issued to itself.
    package let certificate: Certificate
    /// The private key that the authority signs with.
    package let key: Certificate.PrivateKey

    /// Clocks differ: a certificate is valid from a little before it was made.
    private static let clockSkew: TimeInterval = 5 * 60

    /// Makes a new authority.
    ///
    /// - Parameter key: Its key, where there is one already; else a new one (P-256).
    package init(name: String, days: Int, key existing: Certificate.PrivateKey? = nil, now: Date = Date()) throws {
        try CertificateRequest.validate(commonName: name)
        try CertificateRequest.validate(days: days)
        let key = existing ?? Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName(name) }
        certificate = try Certificate(
            version: .v3,
            serialNumber: Self.serialNumber(),
            publicKey: key.publicKey,
            notValidBefore: now - Self.clockSkew,
            notValidAfter: now + Self.seconds(days: days),
            issuer: subject,
            subject: subject,
            extensions: Certificate.Extensions {
                // It signs certificates of peers, never those of another authority.
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
            },
            issuerPrivateKey: key)
        self.key = key
    }

    /// Takes an authority from its PEM files' contents.
    package init(certificatePEM: String, keyPEM: String) throws(CertificateCommandError) {
        do {
            certificate = try Certificate(pemEncoded: certificatePEM)
        } catch {
            throw CertificateCommandError(
                .data, "the authority's certificate can't be understood: it is damaged, or no X.509 certificate")
        }
        do {
            key = try Certificate.PrivateKey(pemEncoded: keyPEM)
        } catch {
            throw CertificateCommandError(
                .data, "the authority's key can't be understood: it is damaged, encrypted, or of a kind that isn't known")
        }
        guard key.publicKey == certificate.publicKey else {
            throw CertificateCommandError(.data, "the authority's key is not the key of its certificate")
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw CertificateCommandError(.data, "the authority's certificate is not one of a certificate authority")
        }
    }

    /// Certifies a new key. The certificate ends no later than the authority's own.
    package func issue(_ request: CertificateRequest, now: Date = Date()) throws -> IssuedCertificate {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        return IssuedCertificate(certificate: try issue(request, for: key.publicKey, now: now), key: key)
    }

    /// Certifies a key of which only the other half is known here.
    package func issue(
        _ request: CertificateRequest, for leafKey: Certificate.PublicKey, now: Date = Date()
    ) throws -> Certificate {
        try request.validate()
        guard now < certificate.notValidAfter else {
            throw CertificateCommandError(
                .data, "the authority expired on \(Timestamp.utc(Int(certificate.notValidAfter.timeIntervalSince1970)))")
        }
        let names = try request.alternativeNames()
        var usages: [ExtendedKeyUsage.Usage] = []
        if request.isServer { usages.append(.serverAuth) }
        if request.isClient { usages.append(.clientAuth) }
        let issuerIdentifier = try certificate.extensions.subjectKeyIdentifier ?? SubjectKeyIdentifier(hash: key.publicKey)

        return try Certificate(
            version: .v3,
            serialNumber: Self.serialNumber(),
            publicKey: leafKey,
            notValidBefore: max(now - Self.clockSkew, certificate.notValidBefore),
            notValidAfter: min(now + Self.seconds(days: request.days), certificate.notValidAfter),
            issuer: certificate.subject,
            subject: try DistinguishedName { CommonName(request.name) },
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage(usages)
                SubjectKeyIdentifier(hash: leafKey)
                AuthorityKeyIdentifier(keyIdentifier: issuerIdentifier.keyIdentifier)
                if !names.isEmpty { names }
            },
            issuerPrivateKey: key)
    }

    /// A positive number of at most 20 bytes (RFC 5280, 4.1.2.2), 157 bits of it random.
    private static func serialNumber() -> Certificate.SerialNumber {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<20).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        // The first bit is the sign, and the second keeps every number at its full length.
        bytes[0] = bytes[0] & 0x3F | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }

    private static func seconds(days: Int) -> TimeInterval { TimeInterval(days) * 86_400 }
}

/// A certificate and the key that it is for.
package struct IssuedCertificate: Sendable {
    /// The certificate that was issued.
    package let certificate: Certificate
    /// The private key of the certificate.
    package let key: Certificate.PrivateKey

    /// A certificate with its key; whether they belong together isn't checked.
    package init(certificate: Certificate, key: Certificate.PrivateKey) {
        self.certificate = certificate
        self.key = key
    }

    /// The certificate in PEM (RFC 7468), with a line feed at its end.
    package func certificatePEM() throws -> String { try certificate.serializeAsPEM().pemString + "\n" }
    /// The private key in PEM (RFC 7468), with a line feed at its end.
    package func keyPEM() throws -> String { try key.serializeAsPEM().pemString + "\n" }
}
