package import NIOCore
package import Pipeline

/// Asks an HTTP proxy for a connection to the server (RFC 9110, 9.3.6).
package struct ProxyHandshake: Sendable {
    /// How far the proxy has opened the way.
    package enum Outcome: Sendable, Equatable {
        case more
        /// From here the bytes are the server's, these first.
        case open(ByteBuffer)
        /// A sentence about why not.
        case refused(String)
    }

    private let proxy: ProxyAddress
    private let server: HostPort
    private var parser = HTTP1ResponseParser()

    package init(proxy: ProxyAddress, server: HostPort) {
        self.proxy = proxy
        self.server = server
        parser.expectResponse(to: "CONNECT")
    }

    package var request: ByteBuffer {
        var request = "CONNECT \(server) HTTP/1.1\r\nHost: \(server)\r\n"
        if let credentials = proxy.credentials {
            request += "Proxy-Authorization: Basic \(Base64.encode(credentials.revealed))\r\n"
        }
        return ByteBuffer(string: request + "\r\n")
    }

    package mutating func receive(_ bytes: ByteBuffer) -> Outcome {
        parser.append(bytes)
        do {
            while let part = try parser.next() {
                guard case .head(let head) = part, !head.isInformational else { continue }
                guard (200..<300).contains(head.status) else { return .refused(explain(head)) }
                return .open(parser.takeRest())
            }
            return .more
        } catch {
            return .refused("the proxy \(proxy.text) sent no valid HTTP: \(error.reason)")
        }
    }

    private func explain(_ head: HTTP1ResponseHead) -> String {
        let what =
            switch head.status {
            // Some proxies answer wrong credentials with 401, which is an origin's.
            case 401 where proxy.credentials == nil, 407 where proxy.credentials == nil:
                "wants a user and a password (\(head.status))"
            case 401, 407: "refuses the user or the password (\(head.status))"
            case 403: "doesn't allow connections to \(server) (403)"
            case 405, 501: "makes no connections with CONNECT (\(head.status))"
            case 502, 503, 504: "can't reach \(server) (\(head.status))"
            default: "answered \(head.status)"
            }
        return "the proxy \(proxy.text) \(what)"
    }
}
