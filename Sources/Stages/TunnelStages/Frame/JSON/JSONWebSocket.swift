import NIOCore
import NIOWebSocket

/// The kinds of WebSocket messages as the JSON protocol numbers them, which is as RFC 6455 does, and how it tells of their end.
enum JSONWebSocket {
    /// The code of a WebSocket that ended without a close frame (RFC 6455, 7.4.1).
    static let lost = 1006
    /// The code for a message that is too large to be taken.
    static let tooLarge = 1009

    static func kind(_ opcode: WebSocketOpcode) -> Int { Int(UInt8(webSocketOpcode: opcode)) }

    /// Nil for what isn't passed on: an unknown kind, or more than a control frame has room for.
    static func message(_ kind: Int, _ data: ByteBuffer) -> WebSocketMessages.Message? {
        let opcode: WebSocketOpcode
        switch kind {
        case 1: opcode = .text
        case 2: opcode = .binary
        case 8: opcode = .connectionClose
        case 9: opcode = .ping
        case 10: opcode = .pong
        default: return nil
        }
        guard !opcode.isControlOpcode || data.readableBytes <= 125 else { return nil }
        return WebSocketMessages.Message(opcode, data)
    }

    /// Whether an end is none that a close frame could tell of: who is at the other side must not take it for one.
    static func isLoss(_ code: Int, _ error: String) -> Bool { code == lost || code == 1015 || code == 0 && !error.isEmpty }
}
