package import NIOCore
import NIOWebSocket

/// Takes the frames of a WebSocket apart whose binary messages are a stream of bytes (RFC 6455, 5). A value.
///
/// A payload is handed on in the pieces in which it comes, so that a frame may have any length and nothing is gathered but heads and control
/// frames, which are short. What one message is and what the next doesn't matter.
package struct WebSocketReader: Sendable {
    /// What the frames say.
    package enum Event: Sendable, Equatable {
        /// The next bytes of the stream, which may be the first part of a frame, or what follows.
        case data(ByteBuffer)
        /// The other side wants this back in a pong.
        case ping(ByteBuffer)
        /// The other side says nothing more. Code 1005 where it gives none.
        case close(code: Int, reason: String)
    }

    private enum State {
        case head
        case payload(remaining: UInt64, mask: UInt32?, phase: UInt64)
        case control(WebSocketFrameHead)
        case ended
    }

    /// A buffer for unmasked bytes that is larger isn't kept, in bytes.
    private static let kept = 32 << 10

    private let sender: WebSocketSender
    private var state = State.head
    private var input = ByteBuffer()
    /// A head or a control frame's payload, as far as it is there.
    private var held = ByteBuffer()
    /// More frames of the message follow.
    private var isInMessage = false
    private var unmasked = ByteBuffer()

    /// A reader of what `sender` says, from the first frame on.
    package init(from sender: WebSocketSender) { self.sender = sender }

    /// Takes what was read. To be called when `next` is nil.
    package mutating func append(_ bytes: ByteBuffer) {
        if case .ended = state { return }
        if input.readableBytes == 0 { input = bytes } else { input.writeImmutableBuffer(bytes) }
    }

    /// The next of what the frames say; nil if more bytes are needed, and behind a close frame or an error.
    package mutating func next() throws(WebSocketViolation) -> Event? {
        do throws(WebSocketViolation) {
            return try advance()
        } catch {
            end()
            throw error
        }
    }

    private mutating func advance() throws(WebSocketViolation) -> Event? {
        while true {
            switch state {
            case .head:
                guard let head = try readHead() else { return nil }
                state = try begin(head)
            case .payload(0, _, _): state = .head
            case .payload(let remaining, let mask, let phase):
                let count = min(UInt64(input.readableBytes), remaining)
                guard count > 0, let piece = input.readSlice(length: Int(count)) else { return nil }
                state = .payload(remaining: remaining - count, mask: mask, phase: phase + count)
                return .data(mask.map { unmask(piece, $0, phase) } ?? piece)
            case .control(let head):
                guard gather(Int(head.length)) else { return nil }
                state = .head
                if let event = try read(head) { return event }
            case .ended: return nil
            }
        }
    }

    private mutating func readHead() throws(WebSocketViolation) -> WebSocketFrameHead? {
        while gather(WebSocketFrameHead.size(held)) {
            guard let head = try WebSocketFrameHead(reading: &held, from: sender) else { continue }
            held.clear()
            return head
        }
        return nil
    }

    /// Whether so many bytes are held, now that what is missing has been taken from the input.
    private mutating func gather(_ count: Int) -> Bool {
        let missing = min(count - held.readableBytes, input.readableBytes)
        if missing > 0, var bytes = input.readSlice(length: missing) { held.writeBuffer(&bytes) }
        return held.readableBytes >= count
    }

    private mutating func begin(_ head: WebSocketFrameHead) throws(WebSocketViolation) -> State {
        if head.opcode.isControlOpcode { return .control(head) }
        guard (head.opcode == .continuation) == isInMessage else { throw .protocolError }
        guard head.opcode != .text else { throw .unacceptable }
        isInMessage = !head.isFinal
        return .payload(remaining: head.length, mask: head.mask, phase: 0)
    }

    /// A control frame whose payload is held.
    private mutating func read(_ head: WebSocketFrameHead) throws(WebSocketViolation) -> Event? {
        var payload = ByteBuffer()
        if let mask = head.mask { WebSocketMask.apply(mask, to: held, into: &payload) } else { payload.writeImmutableBuffer(held) }
        held.clear()
        switch head.opcode {
        case .ping: return .ping(payload)
        case .connectionClose:
            let (code, reason) = WebSocketMessages.closure(payload)
            guard payload.readableBytes == 0 || WebSocketMessages.isSendable(code) else { throw .protocolError }
            end()
            return .close(code: code, reason: reason)
        default: return nil
        }
    }

    private mutating func unmask(_ bytes: ByteBuffer, _ mask: UInt32, _ phase: UInt64) -> ByteBuffer {
        // Its storage is used again once nobody else has it.
        if unmasked.storageCapacity > Self.kept { unmasked = ByteBuffer() }
        unmasked.clear(minimumCapacity: bytes.readableBytes)
        WebSocketMask.apply(mask, after: phase, to: bytes, into: &unmasked)
        return unmasked
    }

    private mutating func end() {
        state = .ended
        input = ByteBuffer()
        held = ByteBuffer()
    }
}
