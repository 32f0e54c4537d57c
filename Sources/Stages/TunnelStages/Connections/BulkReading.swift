import NIOCore
import Pipeline

/// How much is read from a connection in one turn of the loop: what an exchange may have on its way, and in one piece once the connection
/// has turned out to carry much. Each piece costs a system call and the kernel's word to the sender that there is room again. A connection
/// that carries little keeps small buffers.
struct BulkReading {
    /// Of a turn, in bytes.
    static let most = 128 << 10
    /// Of a piece, where little is carried, in bytes.
    private static let usual = 64...(64 << 10)
    private static let pieces: UInt = 2

    private var count = 0
    private var isBulk = false

    /// To be called before anything is read.
    /// - Parameter buffers: Those of the connection's loop.
    static func prepare(_ channel: any Channel, _ buffers: ReadBuffers) throws {
        try channel.syncOptions?.setOption(.recvAllocator, value: ReadSizes(usual, first: 2_048, from: buffers))
        try channel.syncOptions?.setOption(.maxMessagesPerRead, value: pieces)
    }

    mutating func add(_ bytes: Int) { count += bytes }

    /// To be called at the end of a turn. Under TLS a full turn has somewhat less than was read.
    /// - Parameter buffers: Those of the connection's loop.
    mutating func endTurn(_ channel: any Channel, _ buffers: ReadBuffers) {
        defer { count = 0 }
        guard !isBulk, count >= Self.most / 4 * 3 else { return }
        isBulk = true
        let sizes = ReadSizes(2_048...Self.most, first: Self.most, from: buffers)
        try? channel.syncOptions?.setOption(.recvAllocator, value: sizes)
        try? channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
    }
}
