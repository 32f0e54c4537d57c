import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Whatever passes on a connection, either way, is activity: a client that only receives isn't idle.
@Suite struct IdleHandlerTests {
    private let channel = EmbeddedChannel()
    private let connection: Inbound

    init() throws {
        connection = Inbound(channel: channel, remote: "198.51.100.1:1")
        try channel.pipeline.syncOperations.addHandler(IdleHandler(connection))
    }

    @Test func `What comes in is activity`() throws {
        #expect(!connection.isActive)
        try channel.writeInbound(ByteBuffer(string: "a"))
        #expect(connection.isActive)
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "a"))
    }

    @Test func `What goes out is activity`() throws {
        #expect(!connection.isActive)
        try channel.writeOutbound(ByteBuffer(string: "a"))
        #expect(connection.isActive)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "a"))
    }
}
