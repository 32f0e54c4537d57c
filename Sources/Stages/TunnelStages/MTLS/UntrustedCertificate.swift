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
    ///   - authorities: Those that the certificate has to come from.
    ///   - now: Seconds of the Unix epoch.
    static func describe(
        _ certificate: NIOSSLCertificate?, of role: TLSCredentials.Role, dialled host: String?,
        authorities: [NIOSSLCertificate] = [], now: Int = WallTime.seconds
    ) -> String {
        let peer = role == .server ? "the server" : "the client"
        guard let loaded = certificate.flatMap(LoadedCertificate.init) else {
            return TLSFailure.untrustedCertificate.sentence(about: peer)
        }
        let parsed = loaded.parsed
        let whose = "the certificate of \(peer), \(ForeignText.line(loaded.subject, limit: 100)),"
        if let problem = loaded.validityProblem(now: now) {
            return "\(whose) \(problem)" + (now > loaded.notAfter ? "; renew it with 'fluidity cert issue'" : "")
        }
        let kind = role == .server ? "server" : "client"
        guard loaded.permits(role == .server ? .serverAuth : .clientAuth) else {
            return "\(whose) is no \(kind)'s; make one with 'fluidity cert issue --\(kind)'"
        }
        let issuer = ForeignText.line(parsed.issuer.rfc4514, limit: 100)
        let known = authorities.compactMap(LoadedCertificate.init)
        guard !known.contains(where: loaded.isIssued(by:)) else {
            return
                "\(whose) comes from \(issuer), an authority in 'ca', and all the same isn't verified by the TLS library; look at the key "
                + "usage and the signature of both, and at the names that the authority may issue for"
        }
        guard !known.contains(where: { $0.parsed.subject == parsed.issuer }) else {
            return
                "\(whose) was issued by an authority that is called \(issuer) as one in 'ca' is, and has another key: \(peer) needs a "
                + "certificate of the one in 'ca', or 'ca' the other one as well"
        }
        let problem = "\(whose) was issued by \(issuer), which is no authority in 'ca'"
        guard let host else {
            return
                "\(problem): the client needs a certificate of one that is, or 'ca' its authority as well; what stands between the two goes "
                + "behind the client's certificate in its file"
        }
        return
            "\(problem): either a proxy on the way breaks TLS open, and has to let connections to \(host) pass, or this is another "
            + "server, or another 'ca' is needed"
    }
}
