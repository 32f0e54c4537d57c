package import ConfigurationLanguage
package import NIOSSL
package import Pipeline
import Platform
import SwiftASN1
import X509

/// One side's certificate and key, and the authority that it trusts: loaded from files and checked, so that what can't work
/// is said when the program starts and not when the first peer calls.
package struct TLSCredentials: Sendable {
    /// The side that the certificate is used on.
    package enum Role: Sendable {
        /// The certificate is shown to those that dial in.
        case server
        /// The certificate is shown to a server that is dialled.
        case client
    }

    /// The own certificate, then those between it and the authority.
    package let certificates: [NIOSSLCertificate]
    /// The private key of the first certificate.
    package let key: NIOSSLPrivateKey
    /// What peers' certificates have to be issued by.
    package let authorities: [NIOSSLCertificate]
    /// The names and the key of the own certificate, as a peer sees them.
    package let identity: PeerIdentity
    /// When the first of the own certificate and its issuers expires, in seconds of the Unix epoch.
    package let notAfter: Int
    /// What works now but wants attention, each a sentence.
    package let warnings: [String]

    /// The certificates as NIOSSL's configuration takes them.
    package var certificateChain: [NIOSSLCertificateSource] { certificates.map { .certificate($0) } }
    /// The key as NIOSSL's configuration takes it.
    package var privateKey: NIOSSLPrivateKeySource { .privateKey(key) }
    /// The authorities as NIOSSL's configuration takes them; those of the system don't count.
    package var trustRoots: NIOSSLTrustRoots { .certificates(authorities) }

    static let warningTime = 30 * 86_400

    /// Reads the three files, or texts, of PEM. Each error is at the key of its file: `certificate`, `key` or `ca`.
    ///
    /// - Parameters:
    ///   - role: The side to check the certificate's usage for, where it is known.
    ///   - now: Seconds of the Unix epoch. Without it, a handshake shows what the checks here don't know of.
    package init(
        certificate: PEMSource, key keySource: PEMSource, ca: PEMSource, role: Role? = nil, now: Int? = nil
    ) throws(StageError) {
        let isNow = now == nil
        let now = now ?? WallTime.seconds
        let certificateFile = try PEMFile(certificate, key: "certificate")
        let keyFile = try PEMFile(keySource, key: "key")
        let authorityFile = try PEMFile(ca, key: "ca")
        let chain = try LoadedCertificate.all(in: certificateFile)
        let roots = try LoadedCertificate.all(in: authorityFile)

        let leaf = chain[0]
        key = try Self.loadKey(keyFile, for: leaf, in: certificateFile)
        do {
            identity = try PeerIdentity(leaf.parsed)
        } catch {
            throw certificateFile.error("has names that can't be understood")
        }
        if let problem = leaf.validityProblem(now: now) {
            throw certificateFile.error("\(problem); renew it with 'fluidity cert issue'")
        }
        if let role { try Self.check(leaf, of: certificateFile, for: role) }
        for root in roots {
            guard root.isAuthority else {
                throw authorityFile.error("has a certificate that is no certificate authority's: \(root.subject)")
            }
            guard roots.contains(where: root.isIssued(by:)) else {
                throw authorityFile.error(
                    "has a subordinate authority, \(root.subject), without the authority that it comes from: add the certificate of "
                        + root.parsed.issuer.rfc4514)
            }
        }
        let path = try Self.path(from: leaf, over: chain.dropFirst(), to: roots, certificateFile, authorityFile)
        for issuer in path.dropFirst() {
            guard let problem = issuer.validityProblem(now: now) else { continue }
            let file = roots.contains { $0.native == issuer.native } ? authorityFile : certificateFile
            throw file.error("has a certificate authority, \(issuer.subject), that \(problem)")
        }

        certificates = chain.map(\.native)
        authorities = roots.map(\.native)
        notAfter = path.map(\.notAfter).min() ?? leaf.notAfter
        warnings = Self.warnings(leaf, path: path, roots: roots, certificateFile, keyFile, authorityFile, now: now)
        guard isNow, let role, let refusal = TrialHandshake.refusal(of: self, in: role) else { return }
        throw certificateFile.error("is of no use, with the authority in \(authorityFile.path): \(refusal)")
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

    private static func check(_ leaf: LoadedCertificate, of file: PEMFile, for role: Role) throws(StageError) {
        switch role {
        case .server where !leaf.permits(.serverAuth):
            throw file.error("is not a server's certificate; make one with 'fluidity cert issue --server'")
        case .client where !leaf.permits(.clientAuth):
            throw file.error("is not a client's certificate; make one with 'fluidity cert issue --client'")
        default: break
        }
    }

    /// The certificates from the leaf to a root that each vouches for the one before.
    private static func path(
        from leaf: LoadedCertificate, over intermediates: ArraySlice<LoadedCertificate>, to roots: [LoadedCertificate],
        _ certificateFile: PEMFile, _ authorityFile: PEMFile
    ) throws(StageError) -> [LoadedCertificate] {
        var path = [leaf]
        var rest = Array(intermediates)
        while true {
            let tip = path[path.count - 1]
            if let root = roots.first(where: tip.isIssued(by:)) {
                // From an authority that others have authorised, the path goes on, among the authorities.
                path.append(root)
                if root.isIssued(by: root) || path.count > roots.count + intermediates.count { return path }
                continue
            }
            guard let next = rest.firstIndex(where: { $0.isAuthority && tip.isIssued(by: $0) }) else {
                throw certificateFile.error(
                    "was not issued by the certificate authority in \(authorityFile.path): its issuer is "
                        + tip.parsed.issuer.rfc4514)
            }
            path.append(rest.remove(at: next))
        }
    }

    private static func warnings(
        _ leaf: LoadedCertificate, path: [LoadedCertificate], roots: [LoadedCertificate],
        _ certificateFile: PEMFile, _ keyFile: PEMFile, _ authorityFile: PEMFile, now: Int
    ) -> [String] {
        var result: [String] = []
        if keyFile.isReadableByOthers {
            result.append("\(keyFile.path) can be read by other users; 'chmod 600 \(keyFile.path)' keeps the key private")
        }
        if leaf.notAfter - now <= warningTime {
            result.append(
                "\(certificateFile.path) expires on \(Timestamp.utc(leaf.notAfter)); "
                    + "renew it with 'fluidity cert issue'")
        }
        for issuer in path.dropFirst() where issuer.notAfter - now <= warningTime {
            result.append(
                "the certificate authority \(issuer.subject) expires on \(Timestamp.utc(issuer.notAfter)); make a new "
                    + "one with 'fluidity cert init' and renew every certificate with 'fluidity cert issue'")
        }
        for root in roots where !path.contains(where: { $0.native == root.native }) {
            guard let problem = root.validityProblem(now: now) else { continue }
            result.append("\(authorityFile.path) has a certificate authority, \(root.subject), that \(problem)")
        }
        return result
    }
}
