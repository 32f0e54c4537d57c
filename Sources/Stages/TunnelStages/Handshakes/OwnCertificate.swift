import ConfigurationLanguage
import NIOSSL
import Pipeline
import SwiftASN1
import X509

/// A side's own certificate, those that stand between it and its authority, and its key: read and checked, so that what can't work is said
/// when the program starts.
struct OwnCertificate {
    let certificateFile: PEMFile
    let keyFile: PEMFile
    /// The own certificate, then those behind it in its file.
    let chain: [LoadedCertificate]
    /// The private key of the first.
    let key: NIOSSLPrivateKey
    /// The names and the key of the first, as a peer sees them.
    let identity: PeerIdentity

    /// The own certificate.
    var leaf: LoadedCertificate { chain[0] }

    /// Reads the files, or texts, of PEM. Each error is at the key of its file: `certificate` or `key`.
    ///
    /// - Parameters:
    ///   - role: The side to check the certificate's usage for, where it is known.
    ///   - maker: Makes and renews it; nil where somebody else does.
    ///   - now: Seconds of the Unix epoch.
    init(
        _ certificate: PEMSource, key keySource: PEMSource, role: TLSCredentials.Role?, maker: String?, now: Int
    ) throws(StageError) {
        certificateFile = try PEMFile(certificate, key: "certificate")
        keyFile = try PEMFile(keySource, key: "key")
        chain = try LoadedCertificate.all(in: certificateFile)
        let leaf = chain[0]
        key = try Self.loadKey(keyFile, for: leaf, in: certificateFile)
        do {
            identity = try PeerIdentity(leaf.parsed)
        } catch {
            throw certificateFile.error("has names that can't be understood")
        }
        if let problem = leaf.validityProblem(now: now) {
            throw certificateFile.error(problem + (maker.map { "; renew it with '\($0)'" } ?? ""))
        }
        if let role { try Self.check(leaf, of: certificateFile, for: role, maker: maker) }
    }

    /// What works now but wants attention, each a sentence.
    func warnings(maker: String?, now: Int) -> [String] {
        var result: [String] = []
        if keyFile.isReadableByOthers {
            result.append("\(keyFile.path) can be read by other users; 'chmod 600 \(keyFile.path)' keeps the key private")
        }
        if leaf.notAfter - now <= TLSCredentials.warningTime {
            result.append(
                "\(certificateFile.path) expires on \(Timestamp.utc(leaf.notAfter))"
                    + (maker.map { "; renew it with '\($0)'" } ?? ""))
        }
        return result
    }

    private static func loadKey(
        _ file: PEMFile, for leaf: LoadedCertificate, in certificateFile: PEMFile
    ) throws(StageError) -> NIOSSLPrivateKey {
        // EC parameters may stand before the key.
        guard let document = file.documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }) else {
            throw file.error("has no private key, only: \(file.documents[0].discriminator)")
        }
        guard document.discriminator != "ENCRYPTED PRIVATE KEY" else {
            throw file.error("is encrypted; a key without a passphrase is needed")
        }
        let key: Certificate.PrivateKey
        let native: NIOSSLPrivateKey
        do {
            key = try Certificate.PrivateKey(pemDocument: document)
            native = try NIOSSLPrivateKey(bytes: document.derBytes, format: .der)
        } catch {
            throw file.error(
                "has a private key that can't be used: it is damaged, or not of a kind that is known (RSA, P-256, P-384, P-521, Ed25519)"
            )
        }
        guard key.publicKey == leaf.parsed.publicKey else {
            throw file.error("is not the key of the certificate in \(certificateFile.path)")
        }
        return native
    }

    private static func check(
        _ leaf: LoadedCertificate, of file: PEMFile, for role: TLSCredentials.Role, maker: String?
    ) throws(StageError) {
        let (usage, kind) = role == .server ? (ExtendedKeyUsage.Usage.serverAuth, "server") : (.clientAuth, "client")
        guard !leaf.permits(usage) else { return }
        throw file.error("is not a \(kind)'s certificate" + (maker == nil ? "" : "; make one with 'fluidity cert issue --\(kind)'"))
    }
}
