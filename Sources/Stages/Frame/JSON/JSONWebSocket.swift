import NIOWebSocket

/// The kinds of WebSocket messages as the JSON protocol numbers them, which is as RFC 6455 does.
enum JSONWebSocket {
    static func kind(_ opcode: WebSocketOpcode) -> Int { Int(UInt8(webSocketOpcode: opcode)) }

    static func opcode(_ kind: Int) -> WebSocketOpcode? {
        switch kind {
        case 1: .text
        case 2: .binary
        case 8: .connectionClose
        case 9: .ping
        case 10: .pong
        default: nil
        }
    }
}
