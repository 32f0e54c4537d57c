import Crypto
import NIOCore
import Platform

/// The keys of a WebSocket's opening handshake over HTTP/1.1 (RFC 6455, 4).
package enum WebSocketHandshake {
    /// A key of 16 random bytes, for a request that is made here.
    package static func makeKey() -> String {
        var generator = SystemRandomNumberGenerator()
        var text = ByteBuffer()
        Base64.encode(ByteBuffer(bytes: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }), into: &text)
        return String(buffer: text)
    }

    /// What the other side answers to a key.
    package static func accept(for key: String) -> String {
        // SHA-1 is what the protocol says; nothing depends on its strength.
        let digest = Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        var text = ByteBuffer()
        Base64.encode(ByteBuffer(bytes: digest), into: &text)
        return String(buffer: text)
    }
}
