import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// How a server that drains takes its leave of a connection.
@Suite struct H2FarewellTests {
    private final class Nobody: ExchangePort {
        func open(_ exchange: Exchange) {}
    }

    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel

    init() throws {
        channel = EmbeddedChannel(loop: loop)
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let port = H2ServerPort(
            configuration: H2Configuration(server: FrameConfiguration().session), downstream: Nobody(), shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:1"))
    }

    private func drain() { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }

    private func open() throws {
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        loop.run()
    }

    private func heard() throws -> [UInt8] {
        var all = ByteBuffer()
        while var bytes = try channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&bytes) }
        return H2Wire.frames(all).map(\.type)
    }

    /// What the client asks right behind its greeting isn't lost without a word.
    @Test func `The server drains before the connection is open`() throws {
        drain()
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
        try open()
        #expect(try heard() == [H2Wire.settings, H2Wire.goAway, H2Wire.ping])
        #expect(channel.isActive)
    }

    @Test func `The server drains afterwards`() throws {
        try open()
        drain()
        #expect(try heard() == [H2Wire.settings, H2Wire.goAway, H2Wire.ping])
    }
}
