import NIOCore

/// How much is read from a connection in one turn of the loop: what an exchange may have on its way, and in one piece once the connection
/// has turned out to carry much. Each piece costs a system call and the kernel's word to the sender that there is room again. A connection
/// that carries little keeps small buffers.
struct BulkReading {
    /// Of a turn, in bytes.
    static let most = 128 << 10
    /// The library reads up to 64 KiB at a time by itself.
    private static let pieces: UInt = 2

    private var count = 0
    private var isBulk = false

    /// To be called before anything is read.
    static func prepare(_ channel: any Channel) throws {
        try channel.syncOptions?.setOption(.maxMessagesPerRead, value: pieces)
    }

    mutating func add(_ bytes: Int) { count += bytes }

    /// To be called at the end of a turn. Under TLS a full turn has somewhat less than was read.
    mutating func endTurn(_ channel: any Channel) {
        defer { count = 0 }
        guard !isBulk, count >= Self.most / 4 * 3 else { return }
        isBulk = true
        let sizes = AdaptiveRecvByteBufferAllocator(minimum: 2_048, initial: Self.most, maximum: Self.most)
        try? channel.syncOptions?.setOption(.recvAllocator, value: sizes)
        try? channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
    }
}
