package import Pipeline

/// What a request's target means (RFC 9112, 3.2).
package enum RequestTarget {
    package struct Refusal: Error, Equatable {
        package var status: Int
        package var message: String
    }

    /// The head of an exchange from what a client sent.
    package static func interpret(
        _ head: HTTP1RequestHead, mode: HTTPMode, isSecure: Bool, here: @autoclosure () -> String = ""
    ) throws(Refusal) -> RequestHead {
        if head.method == "CONNECT" { return try tunnel(head, mode) }
        let kind: RequestKind = head.upgrade == nil ? .plain : .upgrade
        let (scheme, authority, path) = try locate(head, mode, isSecure, here)
        return RequestHead(
            kind: kind, method: head.method, scheme: scheme, authority: authority, path: path, body: head.body,
            fields: head.fields)
    }

    private static func tunnel(_ head: HTTP1RequestHead, _ mode: HTTPMode) throws(Refusal) -> RequestHead {
        guard mode == .proxy else { throw Refusal(status: 405, message: "CONNECT is for proxies, and this is none.") }
        guard let authority = Authority(head.target), authority.port != nil else {
            throw Refusal(status: 400, message: "CONNECT wants a host and a port, such as example.com:443.")
        }
        return RequestHead(
            kind: .tunnel, method: "CONNECT", scheme: .none, authority: head.target, path: "", body: .unknown,
            fields: head.fields)
    }

    private static func locate(
        _ head: HTTP1RequestHead, _ mode: HTTPMode, _ isSecure: Bool, _ here: () -> String
    ) throws(Refusal) -> (Scheme, authority: String, path: String) {
        let target = head.target
        if target.utf8.first == UInt8(ascii: "/") || target == "*" {
            guard mode == .origin else { throw originForm(here()) }
            let host = head.host ?? ""
            guard Authority(host) != nil else { throw Refusal(status: 400, message: "The Host field names no host.") }
            return (isSecure ? .https : .http, host, target)
        }
        guard let separator = target.firstRange(of: "://") else {
            throw Refusal(status: 400, message: "The request target is neither a URL nor a path.")
        }
        let scheme: Scheme
        switch target[..<separator.lowerBound].lowercased() {
        case "http": scheme = .http
        case "https": scheme = .https
        case let other: throw Refusal(status: 400, message: "The scheme '\(other)' is unknown; http and https are known.")
        }
        let rest = target[separator.upperBound...]
        let end = rest.utf8.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        let authority = String(rest[..<end])
        guard Authority(authority) != nil else {
            throw Refusal(status: 400, message: "The URL's host is missing or malformed.")
        }
        var path = String(rest[end...].prefix { $0 != "#" })
        if path.isEmpty {
            // RFC 9112, 3.2.4: OPTIONS of a URL without a path asks about the whole server.
            path = head.method == "OPTIONS" ? "*" : "/"
        } else if path.first == "?" {
            path = "/" + path
        }
        return (scheme, authority, path)
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
