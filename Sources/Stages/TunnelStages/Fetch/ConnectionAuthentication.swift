import HTTPMessages

/// Tells authentication that an origin takes for the whole connection from that which it takes for one request.
///
/// NTLM and Negotiate are of the first kind (RFC 4559, 6), which HTTP doesn't allow and servers do all the same (RFC 9110, 3.3): once a client has answered the
/// challenge, the origin serves everything that comes over the connection as that client. What isn't known to be of the second kind
/// counts as the first: at the worst a connection isn't shared that could be.
enum ConnectionAuthentication {
    /// Schemes whose credentials count for the request that has them: those of IANA's registry of authentication schemes but Negotiate, and
    /// others that many services use.
    private static let perRequest: [StaticString] = [
        "apikey", "aws", "aws4-ecdsa-p256-sha256", "aws4-hmac-sha256", "basic", "bearer", "concealed", "digest", "dpop", "gnap",
        "googlelogin", "hawk", "hoba", "jwt", "mutual", "oauth", "privatetoken", "scram-sha-1", "scram-sha-256", "sharedkey",
        "sharedkeylite", "signature", "token", "vapid",
    ]

    /// Whether a request has credentials that may count for its connection.
    static func isUsed(by request: RequestHead) -> Bool {
        var isUsed = false
        request.fields.forEach { name, value in
            guard name.count == 13, HTTPGrammar.equal(name, "authorization" as StaticString), !value.isEmpty else { return }
            if !isPerRequest(scheme(of: value)) { isUsed = true }
        }
        return isUsed
    }

    /// Whether an origin's answer says that the connection is authenticated, or is about to be: a challenge that answers a client's
    /// own (RFC 4559, 5), or the field by which some origins say that the connection needs no more credentials.
    static func isUsed(by response: ResponseHead) -> Bool {
        var isUsed = false
        response.fields.forEach { name, value in
            switch name.count {
            case 15 where HTTPGrammar.equal(name, "persistent-auth" as StaticString):
                if HTTPGrammar.equal(value, "true" as StaticString) { isUsed = true }
            case 16 where HTTPGrammar.equal(name, "www-authenticate" as StaticString):
                let scheme = scheme(of: value)
                let isBound =
                    HTTPGrammar.equal(scheme, "negotiate" as StaticString) || HTTPGrammar.equal(scheme, "ntlm" as StaticString)
                if isBound, scheme.count < value.count { isUsed = true }
            default: break
            }
        }
        return isUsed
    }

    /// Whether an origin offers a scheme that a client uses through a proxy only if that says that it keeps the connection for it (RFC 4559, 6).
    static func isOffered(by response: ResponseHead) -> Bool {
        guard response.status == 401 else { return false }
        var isOffered = false
        response.fields.forEach { name, value in
            guard name.count == 16, HTTPGrammar.equal(name, "www-authenticate" as StaticString) else { return }
            let scheme = scheme(of: value)
            if HTTPGrammar.equal(scheme, "negotiate" as StaticString) || HTTPGrammar.equal(scheme, "ntlm" as StaticString) {
                isOffered = true
            }
        }
        return isOffered
    }

    private static func isPerRequest(_ scheme: UnsafeRawBufferPointer) -> Bool {
        for known in perRequest where HTTPGrammar.equal(scheme, known) { return true }
        return false
    }

    /// The first word of a challenge or of credentials (RFC 9110, 11.4).
    private static func scheme(of value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let end = value.firstIndex { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") } ?? value.endIndex
        return UnsafeRawBufferPointer(rebasing: value[..<end])
    }
}
