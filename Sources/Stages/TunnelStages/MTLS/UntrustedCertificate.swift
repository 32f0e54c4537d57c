import NIOSSL
import Pipeline
import Platform
import SwiftASN1
import X509

/// Why a peer's certificate isn't taken that the library couldn't verify, as far as the certificate itself tells.
enum UntrustedCertificate {
    /// A sentence's end: whose it is, what is wrong, and what can be done.
    ///
    /// - Parameters:
    ///   - certificate: The peer's, if it is known.
    ///   - role: The peer's.
    ///   - host: The name that was dialled; nil where a peer came to us.
    ///   - now: Seconds of the Unix epoch.
    static func describe(
        _ certificate: NIOSSLCertificate?, of role: TLSCredentials.Role, dialled host: String?, now: Int = WallTime.seconds
    ) -> String {
        let peer = role == .server ? "the server" : "the client"
        guard let certificate, let bytes = try? certificate.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes) else {
            return TLSFailure.untrustedCertificate.sentence(about: peer)
        }
        let loaded = LoadedCertificate(parsed: parsed, native: certificate)
        let whose = "the certificate of \(peer), \(ForeignText.line(loaded.subject, limit: 100)),"
        if let problem = loaded.validityProblem(now: now) { return "\(whose) \(problem)" }
        guard loaded.permits(role == .server ? .serverAuth : .clientAuth) else {
            return "\(whose) is no \(role == .server ? "server's" : "client's"); make one with 'fluidity cert issue'"
        }
        let issuer = ForeignText.line(parsed.issuer.rfc4514, limit: 100)
        let problem = "\(whose) was issued by \(issuer), which is no authority in 'ca'"
        guard let host else { return problem }
        return
            "\(problem): either a proxy on the way breaks TLS open, and has to let connections to \(host) pass, or this is another "
            + "server, or another 'ca' is needed"
    }
}
