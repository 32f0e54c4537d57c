/// What a proxy took, so that the next connection needn't find out.
package enum ProxyHabit: Sendable, Hashable {
    /// User and password.
    case basic
    /// A hash of them, with the nonce that comes next.
    case digest(DigestSession)
    /// Negotiate or NTLM.
    case tokens(ProxyScheme)
}

/// Why the security library makes no piece of a handshake.
package struct ProxyTokenProblem: Error, Sendable, Equatable {
    /// The middle of a sentence: `there is no Kerberos ticket; …`.
    package var sentence: String
    /// Somebody has refused user and password: they aren't shown again soon.
    package var isRefusal = false
    /// This machine knows of no Kerberos for the user.
    package var isOfNoRealm = false

    /// A problem that `sentence` says.
    package init(_ sentence: String, isRefusal: Bool = false, isOfNoRealm: Bool = false) {
        self.sentence = sentence
        self.isRefusal = isRefusal
        self.isOfNoRealm = isOfNoRealm
    }
}

extension DigestSession {
    /// For the next use of the nonce.
    func used() -> DigestSession { DigestSession(challenge: challenge, count: count &+ 1) }
}

extension HTTP1ResponseHead {
    /// The nonce that a proxy wants to see next (RFC 7616, 3.5).
    var nextNonce: String? {
        for case .authenticationInfo(let value) in proxyHop {
            let schemes = AuthenticationSchemes(["Digest \(value)"])
            if let nonce = schemes.challenges.first?.parameters["nextnonce"], !nonce.isEmpty { return nonce }
        }
        return nil
    }
}
