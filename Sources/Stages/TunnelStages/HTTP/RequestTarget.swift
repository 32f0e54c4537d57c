package import HTTPMessages

/// What a request's target means (RFC 9112, 3.2).
package enum RequestTarget {
    /// Why a target can't be used, with the status that says so.
    package struct Refusal: Error, Equatable {
        /// The status of the answer, 4xx or 5xx.
        package var status: Int
        /// The sentence that is the answer's body.
        package var message: String
    }

    /// The head of an exchange from what a client sent.
    package static func interpret(
        _ head: HTTP1RequestHead, mode: HTTPMode, isSecure: Bool, assumedHost: String? = nil,
        here: @autoclosure () -> String = ""
    ) throws(Refusal) -> RequestHead {
        if head.method == "CONNECT" { return try tunnel(head, mode) }
        let kind: RequestKind = head.upgrade == nil ? .plain : .upgrade
        let (scheme, authority, path) = try locate(head, mode, isSecure, assumedHost, here)
        return RequestHead(
            kind: kind, method: head.method, scheme: scheme, authority: authority, path: path, body: head.body,
            fields: head.fields)
    }

    private static func tunnel(_ head: HTTP1RequestHead, _ mode: HTTPMode) throws(Refusal) -> RequestHead {
        guard mode == .proxy else { throw Refusal(status: 501, message: "CONNECT is for proxies, and this is none.") }
        guard let authority = Authority(head.target), authority.port != nil else {
            throw Refusal(status: 400, message: "CONNECT wants a host and a port, such as example.com:443.")
        }
        return RequestHead(
            kind: .tunnel, method: "CONNECT", scheme: .none, authority: head.target, path: "", body: .unknown,
            fields: head.fields)
    }

    private static func locate(
        _ head: HTTP1RequestHead, _ mode: HTTPMode, _ isSecure: Bool, _ assumedHost: String?, _ here: () -> String
    ) throws(Refusal) -> (Scheme, authority: String, path: String) {
        let target = head.target
        if target.utf8.first == UInt8(ascii: "/") || target == "*" {
            guard mode == .origin else { throw originForm(here()) }
            let host = head.host ?? assumedHost ?? ""
            guard Authority(host) != nil else { throw Refusal(status: 400, message: "The Host field names no host.") }
            guard target != "*" || head.method == "OPTIONS" else {
                throw Refusal(status: 400, message: "The request target '*' is for OPTIONS alone.")
            }
            return (isSecure ? .https : .http, host, target)
        }
        guard let parts = split(target) else {
            throw Refusal(status: 400, message: "The request target is neither a URL nor a path.")
        }
        guard let scheme = parts.scheme else {
            let other = target.prefix { $0 != ":" }.lowercased()
            throw Refusal(status: 400, message: "The scheme '\(other)' is unknown; http and https are known.")
        }
        // RFC 9110, 7.4: what is for https alone isn't served to who came without TLS.
        guard mode == .proxy || scheme == .http || isSecure else {
            throw Refusal(status: 400, message: "The URL is an https one, and this connection has no TLS.")
        }
        let authority = parts.authority
        guard Authority(authority) != nil else {
            throw Refusal(status: 400, message: "The URL's host is missing or malformed.")
        }
        var path = parts.path
        if path.isEmpty {
            // RFC 9112, 3.2.4: OPTIONS of a URL without a path asks about the whole server.
            path = head.method == "OPTIONS" ? "*" : "/"
        } else if path.utf8.first == UInt8(ascii: "?") {
            path = "/" + path
        }
        return (scheme, authority, path)
    }

    /// A URL's scheme if it is known, its authority, and the rest without its fragment. Nil for what is no URL.
    private static func split(_ url: String) -> (scheme: Scheme?, authority: String, path: String)? {
        var url = url
        // Bytes, for it is done with every request, and a target is ASCII here.
        return url.withUTF8 { bytes in
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon + 2 < bytes.count,
                bytes[colon + 1] == UInt8(ascii: "/"), bytes[colon + 2] == UInt8(ascii: "/")
            else { return nil }
            let start = colon + 3
            let end = bytes[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
            let path = bytes[(end ?? bytes.count)...].prefix { $0 != UInt8(ascii: "#") }
            return (
                scheme(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<colon])),
                String(decoding: bytes[start..<(end ?? bytes.count)], as: UTF8.self), String(decoding: path, as: UTF8.self)
            )
        }
    }

    private static func scheme(_ bytes: UnsafeRawBufferPointer) -> Scheme? {
        if HTTPGrammar.equal(bytes, "http" as StaticString) { return .http }
        return HTTPGrammar.equal(bytes, "https" as StaticString) ? .https : nil
    }

    /// How to use a proxy that listens at `here`, for somebody who took it for a site.
    private static func originForm(_ here: String) -> Refusal {
        let address = here.isEmpty || here == "unix" ? "127.0.0.1:8080" : here
        return Refusal(
            status: 400,
            message: """
                This is a proxy, and the request was made as if it were the site itself. Set http://\(address) as the HTTP \
                proxy of the browser or program instead, for example: curl -x http://\(address) http://example.com/
                """)
    }
}
