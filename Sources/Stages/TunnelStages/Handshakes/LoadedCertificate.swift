import NIOSSL
import Pipeline
import Platform
import SwiftASN1
import X509

/// One certificate in both of the forms that are needed: one to look into, one for the TLS library.
struct LoadedCertificate {
    let parsed: Certificate
    let native: NIOSSLCertificate

    init(parsed: Certificate, native: NIOSSLCertificate) {
        self.parsed = parsed
        self.native = native
    }

    /// Nil for one that can't be understood.
    init?(_ native: NIOSSLCertificate) {
        guard let bytes = try? native.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes) else { return nil }
        self.init(parsed: parsed, native: native)
    }

    /// In seconds of the Unix epoch.
    var notBefore: Int { Int(native.notValidBefore) }
    var notAfter: Int { Int(native.notValidAfter) }
    var subject: String { parsed.subject.rfc4514 }

    var isAuthority: Bool {
        guard case .isCertificateAuthority? = try? parsed.extensions.basicConstraints else { return false }
        return true
    }

    /// Without an extended key usage a certificate is good for every use (RFC 5280, 4.2.1.12).
    func permits(_ usage: ExtendedKeyUsage.Usage) -> Bool {
        guard let usages = try? parsed.extensions.extendedKeyUsage else { return true }
        return usages.contains(usage) || usages.contains(.any)
    }

    func isIssued(by issuer: LoadedCertificate) -> Bool {
        parsed.issuer == issuer.parsed.subject
            && issuer.parsed.publicKey.isValidSignature(parsed.signature, for: parsed)
    }

    /// Says when the certificate isn't valid, if it isn't.
    func validityProblem(now: Int) -> String? {
        if now > notAfter { return "expired on \(Timestamp.utc(notAfter))" }
        if now < notBefore { return "isn't valid before \(Timestamp.utc(notBefore)); is the clock right?" }
        return nil
    }

    /// Every certificate of a file, in its order.
    static func all(in file: PEMFile) throws(StageError) -> [LoadedCertificate] {
        var result: [LoadedCertificate] = []
        for document in file.documents where document.discriminator == Certificate.defaultPEMDiscriminator {
            do {
                result.append(
                    LoadedCertificate(
                        parsed: try Certificate(derEncoded: document.derBytes),
                        native: try NIOSSLCertificate(bytes: document.derBytes, format: .der)))
            } catch {
                throw file.error("has a certificate that can't be understood: it is damaged, or no X.509 certificate")
            }
        }
        guard !result.isEmpty else {
            let found = Set(file.documents.map(\.discriminator)).sorted().joined(separator: ", ")
            throw file.error("has no certificate, only: \(found)")
        }
        return result
    }
}
