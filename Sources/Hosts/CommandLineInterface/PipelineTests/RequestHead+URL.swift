package import HTTPMessages

extension RequestHead {
    /// The head that a request for a URL has where it comes to the stages; nil for what is no URL that a client could ask for.
    /// - Parameters:
    ///   - url: The whole URL, as a proxy's client writes it; with CONNECT a host and a port.
    ///   - bodyBytes: The body's length.
    package init?(method: String, url: String, fields: HeaderFields, bodyBytes: Int = 0) {
        if method == "CONNECT" {
            guard Authority(url)?.port != nil else { return nil }
            self.init(kind: .tunnel, method: "CONNECT", scheme: .none, authority: url, path: "", fields: fields)
            return
        }
        let scheme: Scheme
        if url.hasPrefix("http://") {
            scheme = .http
        } else if url.hasPrefix("https://") {
            scheme = .https
        } else {
            return nil
        }
        let rest = url.dropFirst(scheme.name.utf8.count + 3)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = String(rest[..<end])
        guard Authority(authority) != nil else { return nil }
        let path = rest[end...]
        self.init(
            method: method, scheme: scheme, authority: authority, path: path.hasPrefix("/") ? String(path) : "/\(path)",
            body: bodyBytes == 0 ? .none : .known(Int64(bodyBytes)), fields: fields)
    }

    /// As a proxy's client writes it.
    package var url: String { kind == .tunnel ? authority : "\(scheme.name)://\(authority)\(path)" }
}
