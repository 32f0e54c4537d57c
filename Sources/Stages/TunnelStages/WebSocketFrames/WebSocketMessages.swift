package import NIOCore
package import NIOWebSocket

/// A WebSocket's messages in a stream of bytes (RFC 6455, 5): frames are taken apart and put together here and not by the
/// library's handlers, which work only in a channel's pipeline, and an exchange has none.
package struct WebSocketMessages: Sendable {
    /// Which side of the WebSocket the bytes come from.
    package typealias Sender = WebSocketSender
    /// Why the bytes are no WebSocket.
    package typealias Violation = WebSocketViolation

    /// A message, put together from its frames.
    package struct Message: Sendable, Equatable {
        /// The opcode of the message's first frame: text, binary, or a control frame's.
        package var opcode: WebSocketOpcode
        /// The payload of all its frames, unmasked.
        package var data: ByteBuffer

        /// A message of one type.
        package init(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
            self.opcode = opcode
            self.data = data
        }
    }

    private let sender: Sender
    private let limit: Int
    private var input = ByteBuffer()
    private var fragments: Message?

    /// A reader at the start of a WebSocket.
    ///
    /// - Parameter limit: What a message may have, in bytes.
    package init(from sender: Sender, limit: Int) {
        self.sender = sender
        self.limit = limit
    }

    /// Appends what was read.
    package mutating func append(_ bytes: ByteBuffer) { input.writeImmutableBuffer(bytes) }

    /// The next whole message, or nil if more bytes are needed.
    package mutating func next() throws(Violation) -> Message? {
        while let frame = try nextFrame() {
            if let message = try take(frame) { return message }
        }
        return nil
    }

    private struct Frame {
        var isFinal: Bool
        var opcode: WebSocketOpcode
        var data: ByteBuffer
    }

    private mutating func nextFrame() throws(Violation) -> Frame? {
        var rest = input
        guard let head = try WebSocketFrameHead(reading: &rest, from: sender) else { return nil }
        guard head.length <= UInt64(limit) else { throw .tooLarge }
        guard var data = rest.readSlice(length: Int(head.length)) else { return nil }
        input = rest.readableBytes == 0 ? ByteBuffer() : rest
        if let mask = head.mask {
            var unmasked = ByteBuffer()
            WebSocketMask.apply(mask, to: data, into: &unmasked)
            data = unmasked
        }
        return Frame(isFinal: head.isFinal, opcode: head.opcode, data: data)
    }

    private mutating func take(_ frame: Frame) throws(Violation) -> Message? {
        if frame.opcode == .connectionClose, frame.data.readableBytes > 0 {
            guard Self.isSendable(Self.closure(frame.data).code) else { throw .protocolError }
        }
        if frame.opcode.isControlOpcode { return Message(frame.opcode, frame.data) }
        var message: Message
        if frame.opcode == .continuation {
            guard let begun = fragments else { throw .protocolError }
            message = begun
            fragments = nil
            guard message.data.readableBytes + frame.data.readableBytes <= limit else { throw .tooLarge }
            message.data.writeImmutableBuffer(frame.data)
        } else {
            guard fragments == nil else { throw .protocolError }
            message = Message(frame.opcode, frame.data)
        }
        guard frame.isFinal else {
            fragments = message
            return nil
        }
        return message
    }

    // MARK: - Writing

    /// The bytes of a message in one frame, masked for a client's side.
    package static func encode(_ message: Message, from sender: Sender) -> ByteBuffer {
        let count = message.data.readableBytes
        let mask = sender == .client ? WebSocketMask.random() : nil
        var buffer = ByteBuffer()
        buffer.reserveCapacity(14 + count)
        WebSocketFrameHead(message.opcode, length: count, mask: mask).write(into: &buffer)
        if let mask {
            WebSocketMask.apply(mask, to: message.data, into: &buffer)
        } else {
            buffer.writeImmutableBuffer(message.data)
        }
        return buffer
    }

    /// A close frame with a code and as much of a reason as has room (RFC 6455, 5.5.1); an empty one for a code that can't be sent.
    package static func closing(_ code: Int, _ reason: String) -> Message {
        var data = ByteBuffer()
        if isSendable(code) {
            data.writeInteger(UInt16(code))
            // As much of it as has room, in whole characters.
            data.writeString((120...123).reversed().lazy.compactMap { String(reason.utf8.prefix($0)) }.first ?? "")
        }
        return Message(.connectionClose, data)
    }

    /// Whether a close frame may have the code: some only say how there was none (RFC 6455, 7.4).
    static func isSendable(_ code: Int) -> Bool {
        switch code {
        case 1004...1006, 1015: false
        default: (1000...4999).contains(code)
        }
    }

    /// The code and the reason of a close frame's data; 1005 for one without.
    package static func closure(_ data: ByteBuffer) -> (code: Int, reason: String) {
        var data = data
        guard let code = data.readInteger(as: UInt16.self) else { return (1005, "") }
        return (Int(code), String(buffer: data))
    }
}
