import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// What becomes of exchanges when their session is lost.
@Suite struct MuxClientPortTests {
    private final class Server: OutboundPort {
        func attach(_ client: any OutboundClient) {}
        var status: OutboundStatus { .up }
        var patience: TimeAmount { .seconds(10) }
    }

    private final class Client: ExchangeSource {
        var heads: [Int] = []
        var onEnd: (() -> Void)?

        override func responseHead(_ head: ResponseHead) { heads.append(head.status) }
        override func responseEnd(_ trailers: HeaderFields?) { onEnd?() }
    }

    private let loop = EmbeddedEventLoop()
    private let shard: Shard
    private let port: MuxClientPort

    init() {
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        port = MuxClientPort(configuration: MuxConfiguration(), downstream: Server(), shard: shard)
    }

    /// A connection that is being opened.
    private func attempt() throws -> (connection: Outbound, channel: EmbeddedChannel) {
        let channel = EmbeddedChannel(loop: loop)
        let connection = Outbound(channel: channel, host: "server.example")
        try port.configure(connection)
        return (connection, channel)
    }

    private func connect(_ attempt: (connection: Outbound, channel: EmbeddedChannel)) throws {
        attempt.channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        port.ready(attempt.connection)
    }

    private func greet(_ channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(bytes: MuxWire.hello(stream: 20_000, session: 60_000)))
    }

    private func ask(_ authority: String, _ client: Client, _ connection: Outbound) -> Exchange {
        let head = RequestHead(method: "GET", scheme: .http, authority: authority, path: "/")
        let exchange = Exchange(head, from: client, client: Inbound(channel: connection.channel, remote: "192.0.2.2:1"), on: shard)
        port.open(exchange)
        return exchange
    }

    private func sent(_ channel: EmbeddedChannel) throws -> String {
        loop.run()
        var all = ByteBuffer()
        while var bytes = try channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&bytes) }
        return String(decoding: all.readableBytesView, as: UTF8.self)
    }

    /// A client that has sent several requests at once has its next one begin within the end of the first.
    @Test func `What is asked for when a session is lost waits for the next`() throws {
        let first = try attempt()
        try connect(first)
        try greet(first.channel)
        let client = Client()
        var next: Exchange?
        client.onEnd = {
            client.onEnd = nil
            next = ask("two.example", client, first.connection)
        }
        let exchange = ask("one.example", client, first.connection)
        #expect(try sent(first.channel).contains("one.example"))
        first.channel.pipeline.fireChannelInactive()
        #expect(exchange.hasEnded && client.heads.count == 1 && next?.hasEnded == false)
        port.lost(first.connection, because: nil)

        let second = try attempt()
        try connect(second)
        try greet(second.channel)
        #expect(try sent(second.channel).contains("two.example"))
    }

    /// Clients may take their time with what a lost session has brought.
    @Test func `What a lost session had to send is not kept`() throws {
        let attempt = try attempt()
        try connect(attempt)
        try greet(attempt.channel)
        let client = Client()
        let exchange = ask("one.example", client, attempt.connection)
        exchange.sendRequestBody(ByteBuffer(repeating: 0, count: 50_000))
        _ = try sent(attempt.channel)
        let handler = try #require(try attempt.channel.pipeline.syncOperations.handler(type: MuxConnection.self).handler)
        #expect(handler.session.queuedBytes == 30_000)
        _ = try attempt.channel.finish(acceptAlreadyClosed: true)
        #expect(handler.session.queuedBytes == 0)
        exchange.creditResponse(1)
        #expect(exchange.hasEnded)
    }
}
