import NIOCore
import NIOPosix
import Pipeline
import Testing

@testable import TunnelStages

@Suite(.timeLimit(.minutes(10))) struct BulkReadingTests {
    /// What a real connection would use next, after turns in which so much was read.
    private func after(_ turns: [[Int]]) async throws -> (pieces: UInt, size: Int) {
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try await DatagramBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let found = try await channel.eventLoop.submit {
            var reading = BulkReading()
            let buffers = ReadBuffers()
            try BulkReading.prepare(channel, buffers)
            for turn in turns {
                for count in turn { reading.add(count) }
                reading.endTurn(channel, buffers)
            }
            let options = try #require(channel.syncOptions)
            let allocator = try options.getOption(.recvAllocator)
            return (try options.getOption(.maxMessagesPerRead), allocator.buffer(allocator: ByteBufferAllocator()).capacity)
        }.get()
        try await channel.close()
        return found
    }

    @Test func aConnectionWithLittleKeepsSmallBuffers() async throws {
        let found = try await after(Array(repeating: [48 << 10, (48 << 10) - 1], count: 10))
        #expect(found.pieces == 2)
        #expect(found.size <= 64 << 10)
    }

    @Test func fullTurnsBecomeOnePiece() async throws {
        let found = try await after([[2_048, 4_096], [64 << 10, 32 << 10], [10]])
        #expect(found.pieces == 1)
        #expect(found.size == 128 << 10)
    }
}
