import ConfigurationLanguage

/// What a client said to this program alone to prove who it is. It never travels on, neither to an origin nor through the
/// tunnel, and no description shows it.
public enum Credentials: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value of `Proxy-Authorization` (RFC 9110, 11.7.2).
    case proxyAuthorization(String)
    /// A name and a password that came with the connection (SOCKS5, RFC 1929).
    case password(user: String, password: String)

    public var description: String { Secret.redacted }
    public var debugDescription: String { Secret.redacted }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What this program is to the client of an exchange, which decides how it asks for credentials.
public enum ClientRole: Sendable, Equatable {
    /// Its proxy: 407 and `Proxy-Authenticate`.
    case proxy
    /// The origin that it speaks to: 401 and `WWW-Authenticate`.
    case origin
    /// Another of our ends stands between, and the client can't be asked: 403.
    case relay
}
