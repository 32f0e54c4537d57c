package import NIOCore
package import NIOWebSocket

/// What stands before a frame's payload (RFC 6455, 5.2).
package struct WebSocketFrameHead: Sendable, Equatable {
    /// Whether the frame is the last of its message.
    package var isFinal: Bool
    /// What kind of frame it is.
    package var opcode: WebSocketOpcode
    /// Of the payload, in bytes.
    package var length: UInt64
    /// What the payload is combined with, the first byte uppermost; nil for a server's.
    package var mask: UInt32?

    /// The most bytes that a control frame carries (RFC 6455, 5.5).
    package static let longestControl = 125
    private static let known: [WebSocketOpcode] = [.continuation, .text, .binary, .connectionClose, .ping, .pong]

    /// A head that is to be written.
    package init(isFinal: Bool = true, _ opcode: WebSocketOpcode, length: Int, mask: UInt32?) {
        self.isFinal = isFinal
        self.opcode = opcode
        self.length = UInt64(length)
        self.mask = mask
    }

    /// How many bytes a head has, as far as its first bytes tell: two before the second is there.
    package static func size(_ bytes: ByteBuffer) -> Int {
        guard let second = bytes.getInteger(at: bytes.readerIndex + 1, as: UInt8.self) else { return 2 }
        let extended =
            switch second & 0x7F {
            case 126: 2
            case 127: 8
            default: 0
            }
        return 2 + extended + (second & 0x80 == 0 ? 0 : 4)
    }

    /// Reads a head; nil if more bytes are needed, of which none are consumed then. What the first two bytes have wrong is said at once.
    package init?(reading bytes: inout ByteBuffer, from sender: WebSocketSender) throws(WebSocketViolation) {
        let start = bytes.readerIndex
        guard let first = bytes.getInteger(at: start, as: UInt8.self), let second = bytes.getInteger(at: start + 1, as: UInt8.self)
        else { return nil }
        // No extension is agreed to, so that the reserved bits mean nothing.
        guard first & 0x70 == 0, let opcode = WebSocketOpcode(encodedWebSocketOpcode: first & 0x0F), Self.known.contains(opcode),
            (second & 0x80 != 0) == (sender == .client)
        else { throw .protocolError }
        isFinal = first & 0x80 != 0
        self.opcode = opcode
        let short = UInt64(second & 0x7F)
        guard !opcode.isControlOpcode || isFinal && short <= Self.longestControl else { throw .protocolError }
        guard bytes.readableBytes >= Self.size(bytes) else { return nil }
        bytes.moveReaderIndex(forwardBy: 2)
        // A length has the shortest of its forms, and its highest bit is zero.
        switch short {
        case 126:
            length = bytes.readInteger(as: UInt16.self).map(UInt64.init) ?? 0
            guard length > 125 else { throw .protocolError }
        case 127:
            length = bytes.readInteger(as: UInt64.self) ?? 0
            guard length > 0xFFFF, length <= UInt64(Int64.max) else { throw .protocolError }
        default: length = short
        }
        mask = sender == .client ? bytes.readInteger(as: UInt32.self) : nil
    }

    /// Writes the head behind what is in `buffer`.
    package func write(into buffer: inout ByteBuffer) {
        let flag: UInt8 = mask == nil ? 0 : 0x80
        buffer.writeInteger((isFinal ? 0x80 : 0) | UInt8(webSocketOpcode: opcode))
        switch length {
        case ...125: buffer.writeInteger(flag | UInt8(length))
        case ...0xFFFF: buffer.writeMultipleIntegers(flag | 126, UInt16(length))
        default: buffer.writeMultipleIntegers(flag | 127, length)
        }
        if let mask { buffer.writeInteger(mask) }
    }
}
