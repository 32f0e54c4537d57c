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
    ///   - parties: Who shows certificates, and by that where they come from.
    ///   - host: The name that was dialled; nil where a peer came to us.
    ///   - authorities: Those that the certificate has to come from.
    ///   - now: Seconds of the Unix epoch.
    static func describe(
        _ certificate: NIOSSLCertificate?, of role: TLSCredentials.Role, in parties: TLSParties = .mutual, dialled host: String?,
        authorities: [NIOSSLCertificate] = [], now: Int = WallTime.seconds
    ) -> String {
        let peer = role == .server ? "the server" : "the client"
        guard let loaded = certificate.flatMap(LoadedCertificate.init) else {
            return TLSFailure.untrustedCertificate.sentence(about: peer)
        }
        let parsed = loaded.parsed
        let whose = "the certificate of \(peer), \(ForeignText.line(loaded.subject, limit: 100)),"
        if let problem = loaded.validityProblem(now: now) {
            return "\(whose) \(problem)"
                + (now > loaded.notAfter && parties == .mutual ? "; renew it with 'fluidity cert issue'" : "")
        }
        let kind = role == .server ? "server" : "client"
        guard loaded.permits(role == .server ? .serverAuth : .clientAuth) else {
            return "\(whose) is no \(kind)'s" + (parties == .mutual ? "; make one with 'fluidity cert issue --\(kind)'" : "")
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
        guard parties == .mutual else {
            return
                "\(whose) was issued by \(issuer), which is no authority \(known.isEmpty ? "that this machine trusts" : "in 'ca'"): either "
                + "somebody between here and the server opens TLS, whose authority goes in 'ca' if that is to be, or this is another server"
        }
        let problem = "\(whose) was issued by \(issuer), which is no authority in 'ca'"
        guard let host else {
            return
                "\(problem): the client needs a certificate of one that is, or 'ca' its authority as well; what stands between the two goes "
                + "behind the client's certificate in its file"
        }
        return
            "\(problem): either somebody between here and the server opens TLS, and has to let connections to \(host) pass, or to carry the "
            + "tunnel within its own TLS, which 'websocket' and 'tls' behind 'mtls' do; or this is another server, or another 'ca' is needed"
    }
}
