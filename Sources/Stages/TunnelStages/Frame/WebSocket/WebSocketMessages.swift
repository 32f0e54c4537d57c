package import NIOCore
package import NIOWebSocket

/// A WebSocket's messages in a stream of bytes (RFC 6455, 5): frames are taken apart and put together here and not by the
/// library's handlers, which work only in a channel's pipeline, and an exchange has none.
package struct WebSocketMessages: Sendable {
    /// Which side of the WebSocket the bytes come from.
    package enum Sender: Sendable {
        /// Its frames are masked.
        case client
        /// Its frames aren't masked.
        case server
    }

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

    /// Why the bytes are no WebSocket: the code that such a connection is closed with (RFC 6455, 7.4.1).
    package struct Violation: Error, Sendable, Equatable {
        /// The status code of the close frame.
        package var code: UInt16

        /// The frames break RFC 6455 (code 1002).
        package static let protocolError = Violation(code: 1002)
        /// A message is over the limit. The code is 1009.
        package static let tooLarge = Violation(code: 1009)
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
        let start = input.readerIndex
        guard let first = input.getInteger(at: start, as: UInt8.self), let second = input.getInteger(at: start + 1, as: UInt8.self)
        else { return nil }
        // No extension is agreed to, so that the reserved bits mean nothing.
        guard first & 0x70 == 0, let opcode = WebSocketOpcode(encodedWebSocketOpcode: first & 0x0F), Self.known.contains(opcode),
            (second & 0x80 != 0) == (sender == .client)
        else { throw .protocolError }
        let isFinal = first & 0x80 != 0
        var length = UInt64(second & 0x7F)
        var offset = start + 2
        switch length {
        case 126:
            guard let extended = input.getInteger(at: offset, as: UInt16.self) else { return nil }
            length = UInt64(extended)
            offset += 2
        case 127:
            guard let extended = input.getInteger(at: offset, as: UInt64.self) else { return nil }
            length = extended
            offset += 8
        default: break
        }
        guard !opcode.isControlOpcode || isFinal && length <= 125 else { throw .protocolError }
        guard length <= UInt64(limit) else { throw .tooLarge }
        var key: WebSocketMaskingKey?
        if sender == .client {
            guard let bytes = input.getBytes(at: offset, length: 4) else { return nil }
            key = WebSocketMaskingKey(bytes)
            offset += 4
        }
        guard var data = input.getSlice(at: offset, length: Int(length)) else { return nil }
        input.moveReaderIndex(to: offset + Int(length))
        if input.readableBytes == 0 { input = ByteBuffer() }
        if let key { data.webSocketUnmask(key) }
        return Frame(isFinal: isFinal, opcode: opcode, data: data)
    }

    private static let known: [WebSocketOpcode] = [.continuation, .text, .binary, .connectionClose, .ping, .pong]

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
        var buffer = ByteBuffer()
        buffer.reserveCapacity(14 + count)
        buffer.writeInteger(0x80 | UInt8(webSocketOpcode: message.opcode))
        let mask: UInt8 = sender == .client ? 0x80 : 0
        switch count {
        case ...125: buffer.writeInteger(mask | UInt8(count))
        case ...0xFFFF: buffer.writeMultipleIntegers(mask | 126, UInt16(count))
        default: buffer.writeMultipleIntegers(mask | 127, UInt64(count))
        }
        guard sender == .client else {
            buffer.writeImmutableBuffer(message.data)
            return buffer
        }
        let key = WebSocketMaskingKey.random()
        buffer.writeBytes(key)
        var data = message.data
        data.webSocketMask(key)
        buffer.writeBuffer(&data)
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
    private static func isSendable(_ code: Int) -> Bool {
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
