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
    /// What makes and renews the certificates of both sides.
    static let maker = "fluidity cert issue"

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
        let own = try OwnCertificate(certificate, key: keySource, role: role, maker: Self.maker, now: now)
        let (certificateFile, chain, leaf) = (own.certificateFile, own.chain, own.leaf)
        let authorityFile = try PEMFile(ca, key: "ca")
        let roots = try LoadedCertificate.all(in: authorityFile)
        key = own.key
        identity = own.identity
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
        warnings = own.warnings(maker: Self.maker, now: now) + Self.warnings(path: path, roots: roots, authorityFile, now: now)
        guard isNow, let role, let refusal = TrialHandshake.refusal(of: self, in: role) else { return }
        throw certificateFile.error("is of no use, with the authority in \(authorityFile.path): \(refusal)")
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
        path: [LoadedCertificate], roots: [LoadedCertificate], _ authorityFile: PEMFile, now: Int
    ) -> [String] {
        var result: [String] = []
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

extension TLSCredentials {
    /// TLS 1.3 and nothing older, both certificates required. Curves are left to the library, which prefers the hybrid
    /// post-quantum X25519MLKEM768. The chain is verified by the library, names by `PeerVerificationHandler`.
    func configuration(for role: Role) -> TLSConfiguration {
        var configuration =
            role == .server
            ? TLSConfiguration.makeServerConfiguration(certificateChain: certificateChain, privateKey: privateKey)
            : TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = certificateChain
        configuration.privateKey = privateKey
        configuration.trustRoots = trustRoots
        configuration.certificateVerification = .noHostnameVerification
        configuration.minimumTLSVersion = .tlsv13
        configuration.verifySignatureAlgorithms = TLSSignatures.verified
        return configuration
    }
}
