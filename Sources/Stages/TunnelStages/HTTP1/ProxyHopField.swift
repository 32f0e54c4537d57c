import HTTPMessages

/// A field of a response that is between a proxy and its client alone (RFC 9110, 11.7).
package enum ProxyHopField: Sendable, Equatable {
    /// `Proxy-Authenticate`: what the proxy takes.
    case authenticate(String)
    /// `Proxy-Authentication-Info`: what it says to a request that it has let in.
    case authenticationInfo(String)
    /// `Proxy-Connection`, which is no standard and with which proxies of HTTP/1.0 keep a connection.
    case connection(String)

    /// Nil for a field that says nothing here.
    init?(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let text = String(decoding: value, as: UTF8.self)
        if HTTP1Syntax.equal(name, "proxy-authenticate") {
            self = .authenticate(text)
        } else if HTTP1Syntax.equal(name, "proxy-authentication-info") {
            self = .authenticationInfo(text)
        } else if HTTP1Syntax.equal(name, "proxy-connection") {
            self = .connection(text)
        } else {
            return nil
        }
    }
}

extension HTTP1ResponseHead {
    /// The values of `Proxy-Authenticate`.
    package var proxyAuthenticate: [String] {
        proxyHop.compactMap { if case .authenticate(let value) = $0 { value } else { nil } }
    }

    /// Whether a proxy takes another request on the connection: `Proxy-Connection` counts for what `Connection` doesn't say.
    package var keepsProxyConnection: Bool {
        let words = proxyHop.compactMap { if case .connection(let value) = $0 { value.lowercased() } else { nil } }
        if words.contains("close") { return false }
        // Without a length the connection's end is the body's.
        return keepAlive || minorVersion == 0 && words.contains("keep-alive") && body != .unknown
    }
}
