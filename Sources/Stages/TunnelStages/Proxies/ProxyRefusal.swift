package import NIOCore

/// Why a proxy on the way didn't open it, and what that says about another attempt.
package struct ProxyRefusal: Sendable, Equatable {
    /// What would have to change.
    package enum Kind: Sendable, Equatable {
        /// User and password, whatever the server: whoever asks with these again and again may lock an account.
        case credentials
        /// The proxy, or `via-auth`, whatever the credentials: they have no scheme in common.
        case scheme
        /// What the proxy allows for this server.
        case server
        /// Nothing: it may pass by itself, after that time if there is one.
        case passing(after: TimeAmount?)
    }

    /// What would have to change before another attempt can succeed.
    package var kind: Kind
    /// A sentence's end for a person, without credentials.
    package var reason: String

    /// A refusal; `reason` must have no credentials in it.
    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// Whether it counts for a while, also for others who would try the same.
    var rests: Bool {
        switch kind {
        case .credentials, .scheme, .server, .passing(_?): true
        case .passing(nil): false
        }
    }
}
