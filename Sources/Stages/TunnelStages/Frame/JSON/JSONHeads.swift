package import HTTPMessages

/// The heads of exchanges in the JSON protocol.
package enum JSONHeads {
    /// A request's head from a URL; nil for one that is none or has another scheme.
    package static func request(
        method: String, url: String, fields: HeaderFields, body: BodyLength, isWebSocket: Bool = false
    ) -> RequestHead? {
        guard let separator = url.firstRange(of: "://") else { return nil }
        let scheme: Scheme
        switch url[..<separator.lowerBound].lowercased() {
        // Agents of the first Fluidity open a WebSocket with the URL of the request that they had.
        case "http",
            "ws" where isWebSocket:
            scheme = .http
        case "https",
            "wss" where isWebSocket:
            scheme = .https
        default: return nil
        }
        let rest = url[separator.upperBound...]
        let end = rest.utf8.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        var target = String(rest[end...].prefix { $0 != "#" })
        if target.first != "/" { target = "/" + target }
        let path = target.withUTF8 { HTTPGrammar.legalTarget(UnsafeRawBufferPointer($0)) }
        guard !method.isEmpty, method.utf8.allSatisfy(HTTPGrammar.isTokenByte), method != "CONNECT",
            Authority(String(rest[..<end])) != nil, path.utf8.allSatisfy(HTTPGrammar.isTargetByte)
        else { return nil }
        var head = RequestHead(
            method: method, scheme: scheme, authority: String(rest[..<end]), path: path, body: body, fields: endToEnd(fields))
        guard isWebSocket else { return head }
        head.kind = .upgrade
        head.fields.removeAll { name, _ in isHandshakeField(name) }
        head.fields.append("Upgrade", "websocket")
        head.fields.append("Sec-WebSocket-Version", "13")
        head.fields.append("Sec-WebSocket-Key", WebSocketHandshake.makeKey())
        return head
    }

    /// The URL that a request's head stands for, with `ws` or `wss` for an upgrade.
    package static func url(_ head: RequestHead) -> String {
        let path = head.path == "*" ? "" : head.path
        let scheme = head.kind == .upgrade ? (head.scheme == .https ? "wss" : "ws") : head.scheme.name
        return "\(scheme)://\(head.authority)\(path)"
    }

    /// What of a request's fields an agent sends for a WebSocket: no handshake, which the server makes anew.
    package static func webSocketFields(_ head: RequestHead) -> HeaderFields {
        var fields = endToEnd(head.fields)
        fields.removeAll { name, _ in isHandshakeField(name) }
        return fields
    }

    /// The fields without those of one connection and of proxies.
    package static func endToEnd(_ fields: HeaderFields) -> HeaderFields {
        var fields = fields
        // What `Connection` names ends here, too.
        let named = fields["Connection"].flatMap { $0.split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } } }
        fields.removeAll { name, _ in
            HTTPGrammar.isHopField(name)
                || HTTP1Syntax.hasPrefix(name, "proxy-") && !HTTPGrammar.equal(name, "proxy-status" as StaticString)
                    && !HTTPGrammar.equal(name, "proxy-support" as StaticString)
                || named.contains { HTTPGrammar.equal(name, $0) }
        }
        return fields
    }

    private static func isHandshakeField(_ name: UnsafeRawBufferPointer) -> Bool {
        HTTPGrammar.equal(name, "sec-websocket-key" as StaticString)
            || HTTPGrammar.equal(name, "sec-websocket-version" as StaticString)
            // Messages are passed on as they are meant, not as two ends would pack them.
            || HTTPGrammar.equal(name, "sec-websocket-extensions" as StaticString)
            || HTTPGrammar.equal(name, "sec-websocket-accept" as StaticString)
            || HTTPGrammar.equal(name, "upgrade" as StaticString)
    }
}
