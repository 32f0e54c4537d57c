package import HTTPMessages
package import NIOCore

/// Turns the bytes of a connection into frames. A DATA frame is handed on in the parts in which it comes, without copying or
/// waiting; other frames, which are small, when they are whole. Holds at most one of those.
package struct MuxFrameDecoder {
    private var input = ByteBuffer()
    // A header that came in parts, most significant byte first.
    private var header: UInt64 = 0
    private var headerBytes = 0
    private var state = State.header

    private enum State {
        case header
        case data(stream: UInt32, remaining: Int, end: Bool)
        case whole(type: UInt8, flags: UInt8, stream: UInt32, length: Int, collected: ByteBuffer)
        case failed
    }

    /// A decoder at the start of a connection.
    package init() {}

    /// Takes what was read. Call `next` until it returns nil before the next `append`.
    package mutating func append(_ bytes: ByteBuffer) {
        if input.readableBytes == 0 {
            input = bytes
        } else {
            var bytes = bytes
            input.writeBuffer(&bytes)
        }
    }

    /// How much of what came last may turn out to be no part of what a resumed session counts: the beginning of a header, which may
    /// be an ACK's, and of an ACK. In bytes.
    package var unclear: Int {
        switch state {
        case .header: headerBytes
        case .whole(MuxFrame.Kind.acknowledged.rawValue, _, _, _, let collected): MuxFrame.headerLength + collected.readableBytes
        default: 0
        }
    }

    /// Another connection takes the place of the one before: what `unclear` counts comes again, if it is to come at all.
    package mutating func forgetUnclear() {
        guard unclear > 0 else { return }
        (header, headerBytes) = (0, 0)
        state = .header
    }

    /// What was given and isn't taken yet, in bytes.
    package var remaining: Int { input.readableBytes }

    /// What was given and isn't taken yet, for somebody else to go on with.
    package mutating func takeRest() -> ByteBuffer {
        defer { input = ByteBuffer() }
        return input
    }

    /// The next frame or part of one; nil when more bytes are needed. After an error there are no more.
    package mutating func next() throws(Failure) -> MuxFrame? {
        while true {
            switch state {
            case .failed:
                return nil
            case .header:
                guard let header = readHeader() else { return finishInput() }
                if let frame = try begin(header) { return frame }
            case .data(let stream, let remaining, let end):
                guard let bytes = input.readSlice(length: min(remaining, input.readableBytes)), bytes.readableBytes > 0
                else { return finishInput() }
                let left = remaining - bytes.readableBytes
                state = left == 0 ? .header : .data(stream: stream, remaining: left, end: end)
                return .data(stream: stream, bytes: bytes, end: end && left == 0, isEmptyFrame: false)
            case .whole(let type, let flags, let stream, let length, var collected):
                state = .failed  // Gives up the reference, so that collecting doesn't copy.
                if collected.readableBytes == 0, input.readableBytes >= length, let payload = input.readSlice(length: length) {
                    state = .header
                    return try decode(type, flags, stream, payload)
                }
                if var part = input.readSlice(length: min(length - collected.readableBytes, input.readableBytes)) {
                    collected.writeBuffer(&part)
                }
                if collected.readableBytes == length {
                    state = .header
                    return try decode(type, flags, stream, collected)
                }
                state = .whole(type: type, flags: flags, stream: stream, length: length, collected: collected)
                return finishInput()
            }
        }
    }

    /// All was taken: gives up what was read, so that whoever read it can use the memory again.
    private mutating func finishInput() -> MuxFrame? {
        input = ByteBuffer()
        return nil
    }

    private mutating func readHeader() -> UInt64? {
        if headerBytes == 0, let whole = input.readInteger(as: UInt64.self) { return whole }
        while headerBytes < MuxFrame.headerLength, let byte = input.readInteger(as: UInt8.self) {
            header = header << 8 | UInt64(byte)
            headerBytes += 1
        }
        guard headerBytes == MuxFrame.headerLength else { return nil }
        defer { (header, headerBytes) = (0, 0) }
        return header
    }

    private mutating func begin(_ header: UInt64) throws(Failure) -> MuxFrame? {
        let length = Int(header >> 40)
        let typeByte = UInt8(truncatingIfNeeded: header >> 32)
        let type = typeByte & MuxFrame.typeMask
        let flags = typeByte & ~MuxFrame.typeMask
        let stream = UInt32(truncatingIfNeeded: header)
        guard length <= MuxFrame.maximumPayload(type) else {
            throw fail(.tooLarge, "a frame of type \(type) with \(length) bytes, more than \(MuxFrame.maximumPayload(type))")
        }
        let mayEnd = type == MuxFrame.Kind.data.rawValue || type == MuxFrame.Kind.open.rawValue
        guard flags == 0 || (flags == MuxFrame.endFlag && mayEnd) else {
            throw fail(.protocolViolation, "a frame of type \(type) with flags \(flags)")
        }
        guard type == MuxFrame.Kind.data.rawValue else {
            state = .whole(type: type, flags: flags, stream: stream, length: length, collected: ByteBuffer())
            return nil
        }
        let end = flags == MuxFrame.endFlag
        guard length > 0 else {
            return .data(stream: stream, bytes: ByteBuffer(), end: end, isEmptyFrame: true)
        }
        state = .data(stream: stream, remaining: length, end: end)
        return nil
    }

    private mutating func decode(
        _ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: ByteBuffer
    ) throws(Failure) -> MuxFrame {
        var payload = payload
        switch MuxFrame.Kind(rawValue: type) {
        case nil, .data:
            return .unknown(type: type)
        case .hello:
            guard stream == 0, let settings = MuxSettings(from: payload) else {
                throw fail(.protocolViolation, "a malformed HELLO")
            }
            return .hello(settings)
        case .open:
            return .open(stream: stream, payload: payload, end: flags == MuxFrame.endFlag)
        case .head:
            return .head(stream: stream, payload: payload)
        case .trailers:
            return .trailers(stream: stream, payload: payload)
        case .window:
            guard let increment = payload.readInteger(as: UInt32.self), payload.readableBytes == 0 else { break }
            return .window(stream: stream, increment: increment)
        case .reset:
            guard stream != 0, let failure = payload.readFailure() else { break }
            return .reset(stream: stream, failure)
        case .ping, .pong:
            guard stream == 0, let token = payload.readInteger(as: UInt64.self), payload.readableBytes == 0 else { break }
            return type == MuxFrame.Kind.ping.rawValue ? .ping(token) : .pong(token)
        case .goAway:
            guard stream == 0, let last = payload.readInteger(as: UInt32.self), let failure = payload.readFailure() else {
                break
            }
            return .goAway(last: last, failure)
        case .reason:
            guard stream != 0, let failure = payload.readFailure() else { break }
            return .reason(stream: stream, failure)
        case .acknowledged:
            guard stream == 0, let position = payload.readInteger(as: UInt64.self), payload.readableBytes == 0 else { break }
            return .acknowledged(position)
        case .attached:
            guard stream == 0, let answer = MuxAttachAnswer(from: &payload), payload.readableBytes == 0 else { break }
            return .attached(answer)
        }
        throw fail(.protocolViolation, "a malformed frame of type \(type)")
    }

    private mutating func fail(_ code: Failure.Code, _ message: String) -> Failure {
        state = .failed
        input = ByteBuffer()
        return Failure(code, "the peer sent \(message)")
    }
}

extension ByteBuffer {
    /// A reason: a 16-bit code and the rest as text. Text that isn't printable is shown as far as it is.
    fileprivate mutating func readFailure() -> Failure? {
        guard let code = readInteger(as: UInt16.self), readableBytes <= MuxLimits.message else { return nil }
        let text = String(decoding: readableBytesView, as: UTF8.self)
        moveReaderIndex(to: writerIndex)
        return Failure(Failure.Code(rawValue: code), String(text.unicodeScalars.map { $0.value < 32 ? " " : Character($0) }))
    }
}
