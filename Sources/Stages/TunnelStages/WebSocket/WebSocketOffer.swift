import HTTPMessages
import NIOCore
import Platform

/// Where a server has a WebSocket, and what it says to a request (RFC 6455, 4.2). A value.
struct WebSocketOffer: Equatable {
    /// What is said.
    enum Answer: Equatable {
        /// The WebSocket is open behind this response.
        case open(ByteBuffer)
        /// It is the WebSocket that is asked for, but not as it has to be. The connection ends behind this response.
        case refuse(ByteBuffer, reason: String)
        /// The request is for something else.
        case other
    }

    /// The path, as requests have it.
    var path: String
    /// The host that requests have to name, without port; nil for any.
    var host: String?

    /// The answer to a request's head.
    func answer(_ head: HTTP1RequestHead) -> Answer {
        guard head.method == "GET", isHere(head), let upgrade = head.upgrade, ProtocolChange.isAmong([upgrade], "websocket") else {
            return .other
        }
        guard head.body == .none || head.body == .known(0) else { return refusal(400, "its request has a body") }
        guard head.fields["Sec-WebSocket-Version"] == ["13"] else {
            return refusal(426, "it doesn't speak version 13 of WebSocket", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
        }
        let keys = head.fields["Sec-WebSocket-Key"]
        guard keys.count == 1, isKey(keys[0]) else {
            return refusal(400, "its Sec-WebSocket-Key is none")
        }
        let accept = WebSocketHandshake.accept(for: keys[0])
        return .open(
            ByteBuffer(
                string:
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n"
            )
        )
    }

    private func isKey(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { Base64.decode($0) }?.readableBytes == 16
    }

    private func isHere(_ head: HTTP1RequestHead) -> Bool {
        let target = path.contains("?") ? head.target[...] : head.target.prefix { $0 != "?" }
        guard target == path else { return false }
        guard let host else { return true }
        return Self.name(head.host ?? "") == Self.name(host)
    }

    /// The name of a Host field, as names are compared.
    private static func name(_ host: String) -> String {
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } : host.prefix { $0 != ":" }
        return name.lowercased()
    }

    private func refusal(_ status: Int, _ reason: String, _ fields: String = "") -> Answer {
        .refuse(
            ByteBuffer(
                string: "HTTP/1.1 \(status) \(HTTPStatus.reason(status))\r\n\(fields)Content-Length: 0\r\nConnection: close\r\n\r\n"
            ),
            reason: reason)
    }
}
