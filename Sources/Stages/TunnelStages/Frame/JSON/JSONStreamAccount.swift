import NIOCore

/// What of one stream's bytes counts against what its session may hold: those that came and weren't passed on yet, and those of a body that is
/// put together, for the protocol has it whole. A value: whoever has it tells the session of what it returns.
struct JSONStreamAccount {
    /// What becomes of a part of a body.
    enum OnCollect: Equatable {
        case taken
        /// The body is larger than it may be.
        case tooLarge
        /// The session holds as much as it may.
        case crowded
    }

    /// Bytes that came and were not passed on yet.
    private(set) var held = 0
    private var body = ByteBuffer()

    mutating func hold(_ bytes: Int) { held += bytes }

    /// So many bytes were passed on. The result is how many count no longer: what was released before doesn't count twice.
    mutating func passedOn(_ bytes: Int) -> Int {
        let credit = min(bytes, held)
        held -= credit
        return credit
    }

    /// Nobody takes what is held any more. The result is how many bytes count no longer.
    mutating func release() -> Int { passedOn(held) }

    mutating func collect(_ bytes: ByteBuffer, of limit: Int, mayHold: (Int) -> Bool) -> OnCollect {
        let count = bytes.readableBytes
        guard body.readableBytes + count <= limit else { return .tooLarge }
        guard mayHold(count) else { return .crowded }
        body.writeImmutableBuffer(bytes)
        return .taken
    }

    /// The whole body, which is sent, or given up, and counts until then.
    mutating func takeBody() -> ByteBuffer {
        defer { body = ByteBuffer() }
        return body
    }
}
