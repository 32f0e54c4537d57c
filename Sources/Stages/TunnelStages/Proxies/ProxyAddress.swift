package import ConfigurationLanguage
import HTTPMessages

/// An HTTP proxy on the way to the server, and what it is shown.
package struct ProxyAddress: Sendable, Hashable {
    /// The proxy's host name or address, without brackets.
    package var host: String
    /// The proxy's TCP port.
    package var port: Int
    /// Whether the proxy is spoken to over TLS.
    package var isSecure = false
    /// User and password with a colon between them, as Basic wants it (RFC 7617).
    package var credentials: Secret?

    init(host: String, port: Int, isSecure: Bool = false) {
        self.host = host
        self.port = port
        self.isSecure = isSecure
    }

    /// Reads `http://user:password@proxy.example:3128`, or `https://` for one behind TLS; the scheme may be left out, as in many an
    /// environment.
    package init(url text: String) throws(InvalidValue) {
        var rest = Substring(text)
        if let separator = rest.firstRange(of: "://") {
            let scheme = rest[..<separator.lowerBound].lowercased()
            guard scheme == "http" || scheme == "https" else {
                throw InvalidValue(
                    "a proxy with '\(scheme.hasPrefix("socks") ? scheme : "another scheme")' is unknown",
                    hint: "HTTP proxies are known: http://proxy.example:3128, or https://proxy.example for one behind TLS")
            }
            isSecure = scheme == "https"
            rest = rest[separator.upperBound...]
        }
        rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = rest.lastIndex(of: "@") {
            credentials = Secret(try Self.credentials(rest[..<at]))
            rest = rest[rest.index(after: at)...]
        }
        guard let authority = Authority(String(rest)) else { throw InvalidValue("the proxy's host is missing or malformed") }
        if let problem = HostName.problem(of: authority.host) { throw problem }
        host = authority.host
        port = authority.port ?? (isSecure ? 443 : 80)
    }

    private static func credentials(_ text: Substring) throws(InvalidValue) -> String {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = parts.first.flatMap(decoded), !user.contains(":"),
            let password = parts.count > 1 ? decoded(parts[1]) : ""
        else {
            throw InvalidValue("the user or the password is malformed", hint: "write special characters as %XX, '@' as %40 say")
        }
        return "\(user):\(password)"
    }

    /// Percent-decoded (RFC 3986, 2.1), or nil for what isn't UTF-8 or has control characters.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Host and port, for logs and messages: the credentials aren't in it.
    package var text: String { Authority(host: host, port: port).text }

    /// As a URL without credentials.
    package var url: String { "\(isSecure ? "https" : "http")://\(text)" }

    /// What stands before the colon, and behind it.
    var userAndPassword: (user: String, password: String)? {
        guard let text = credentials?.revealed, let colon = text.firstIndex(of: ":") else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
}
