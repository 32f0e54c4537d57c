package import NIOCore
package import NIOWebSocket

/// Puts a stream of bytes into the binary messages of a WebSocket, a frame each (RFC 6455, 5).
package struct WebSocketWriter: Sendable {
    /// What a frame carries at most, in bytes: some of those who look at what passes bound a message.
    package static let largest = 64 << 10
    /// A buffer that is larger isn't kept, in bytes.
    private static let kept = 32 << 10

    private let sender: WebSocketSender
    private var buffer = ByteBuffer()

    /// A writer for one side.
    package init(for sender: WebSocketSender) { self.sender = sender }

    /// Takes the next frame's bytes from `data`, which isn't empty, and returns the frame: in a buffer of its own for a client, whose payload is
    /// masked; for a server its head, and the payload as it is.
    package mutating func next(of data: inout ByteBuffer) -> (ByteBuffer, payload: ByteBuffer?) {
        let count = min(data.readableBytes, Self.largest)
        let payload = data.readSlice(length: count) ?? ByteBuffer()
        return sender == .client ? (frame(.binary, payload), nil) : (head(.binary, count, mask: nil), payload)
    }

    /// A control frame, of 125 bytes at most.
    package mutating func control(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer {
        frame(
            opcode,
            payload.getSlice(at: payload.readerIndex, length: min(payload.readableBytes, WebSocketFrameHead.longestControl))
                ?? payload)
    }

    private mutating func frame(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer {
        let mask = sender == .client ? WebSocketMask.random() : nil
        var frame = head(opcode, payload.readableBytes, mask: mask)
        // Else the next would be written to a copy.
        buffer = ByteBuffer()
        if let mask { WebSocketMask.apply(mask, to: payload, into: &frame) } else { frame.writeImmutableBuffer(payload) }
        buffer = frame
        return frame
    }

    private mutating func head(_ opcode: WebSocketOpcode, _ count: Int, mask: UInt32?) -> ByteBuffer {
        // Its storage is used again once nobody else has it.
        if buffer.storageCapacity > Self.kept { buffer = ByteBuffer() }
        buffer.clear(minimumCapacity: mask == nil ? 16 : 16 + count)
        WebSocketFrameHead(opcode, length: count, mask: mask).write(into: &buffer)
        return buffer
    }
}
