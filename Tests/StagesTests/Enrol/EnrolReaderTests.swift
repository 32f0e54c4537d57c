import Logging
import NIOCore
import NIOEmbedded
import NIOSSL
import Pipeline
import Testing

@testable import TunnelStages

/// Whose connection goes on to the next stage, and how.
@Suite struct EnrolReaderTests {
    private final class Next: ChannelInboundHandler, InboundPort {
        typealias InboundIn = ByteBuffer
        var bytes = ByteBuffer()
        var hasOpened = false
        let protocols: [String] = []
        func accept(_ connection: Inbound) throws { try connection.channel.pipeline.syncOperations.addHandler(self) }
        func channelActive(context: ChannelHandlerContext) { hasOpened = true }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var more = unwrapInboundIn(data)
            bytes.writeBuffer(&more)
        }
    }

    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel
    private let shard: Shard
    private let next = Next()

    init() throws {
        let files = try DeskFiles()
        defer { files.remove() }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        channel = EmbeddedChannel(loop: loop)
        shard = Shard(loop: loop, group: loop, index: 0, logger: logger)
        let port = EnrolPort(desk: .here(try EnrolmentDesk(files.configuration, logger: logger)), downstream: next, shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:1"))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
    }

    /// The first message of a client that offers these protocols.
    private func hello(_ protocols: [String]) throws -> ByteBuffer {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.applicationProtocols = protocols
        let client = EmbeddedChannel()
        try client.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: NIOSSLContext(configuration: tls), serverHostname: nil))
        client.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        client.embeddedEventLoop.run()
        return try #require(try client.readOutbound(as: ByteBuffer.self))
    }

    @Test(arguments: [[], ["fluidity/1"], ["h2", "http/1.1"], ["fluidity-enrol/1", "fluidity/1"]])
    func `Others' connections go on as they came, split anywhere`(protocols: [String]) throws {
        let hello = try hello(protocols)
        let half = hello.readableBytes / 2
        for part in [hello.getSlice(at: 0, length: half), hello.getSlice(at: half, length: hello.readableBytes - half)] {
            #expect(!next.hasOpened && next.bytes.readableBytes == 0)
            try channel.writeInbound(part)
        }
        #expect(next.hasOpened && next.bytes == hello)
        try channel.writeInbound(ByteBuffer(string: "more"))
        #expect(next.bytes.readableBytes == hello.readableBytes + 4)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test func `What is no TLS is the next stage's to refuse`() throws {
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        #expect(next.bytes == ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
    }

    @Test func `Who enrols is answered here`() throws {
        try channel.writeInbound(try hello([EnrolMessage.protocolName]))
        #expect(!next.hasOpened && next.bytes.readableBytes == 0)
        #expect(try channel.readOutbound(as: ByteBuffer.self) != nil)
    }

    @Test func `Who says nothing goes after a while`() throws {
        shard.deadlines.sweep(now: .now() + .seconds(11))
        #expect(!channel.isActive)
    }

    @Test func `Who has said nothing doesn't keep a server that drains`() throws {
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        loop.run()
        #expect(!channel.isActive)
    }
}
