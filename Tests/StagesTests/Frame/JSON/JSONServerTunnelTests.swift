import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// A CONNECT whose host ends first: its client may go on, and what becomes of it is the agent's to say.
@Suite struct JSONServerTunnelTests {
    private final class Host: ExchangeSink, ExchangePort {
        var exchange: Exchange?
        var seen: [String] = []

        func open(_ exchange: Exchange) {
            self.exchange = exchange
            exchange.attach(self)
            exchange.sendResponseHead(ResponseHead(status: 200, reason: "OK"))
        }

        override func requestBody(_ bytes: ByteBuffer) {
            seen.append(String(buffer: bytes))
            exchange?.creditRequest(bytes.readableBytes)
        }
        override func requestEnd(_ trailers: HeaderFields?) { seen.append("ended") }
        override func requestAborted(_ failure: Failure) { seen.append("aborted") }
    }

    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel
    private let shard: Shard
    private let host = Host()

    init() throws {
        channel = EmbeddedChannel(loop: loop)
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let port = JSONServerPort(configuration: JSONConfiguration(FrameConfiguration().session), downstream: host, shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:50000"))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        try say(.connectOpen(id: "x", address: "host:1"))
        #expect(try heard() == [.connectAck(id: "x", ok: true, error: "")])
        host.exchange?.sendResponseEnd()
        #expect(try heard() == [.connectClose(id: "x", error: "")])
    }

    private func say(_ envelope: JSONEnvelope) throws {
        var bytes = ByteBuffer()
        envelope.encode(into: &bytes)
        try channel.writeInbound(bytes)
    }

    private func heard() throws -> [JSONEnvelope] {
        loop.run()
        var scanner = JSONScanner(limit: 1_000)
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { scanner.append(bytes) }
        var all: [JSONEnvelope] = []
        while let value = try scanner.next() { try JSONEnvelope.decode(value).map { all.append($0) } }
        return all
    }

    @Test func `The client goes on and ends`() throws {
        try say(.connectData(id: "x", chunk: ByteBuffer(string: "more")))
        try say(.connectClose(id: "x", error: ""))
        #expect(host.seen == ["more", "ended"])
        #expect(host.exchange?.hasEnded == true && host.exchange?.failure == nil)
        #expect(try heard() == [])
    }

    @Test func `The client goes on and fails`() throws {
        try say(.connectData(id: "x", chunk: ByteBuffer(string: "more")))
        try say(.connectClose(id: "x", error: "reset"))
        #expect(host.seen == ["more", "aborted"])
    }

    @Test func `The host is reset afterwards`() throws {
        host.exchange?.abortResponse(Failure(.originClosed, "reset"))
        #expect(try heard() == [.connectClose(id: "x", error: "reset")])
    }

    /// Our agents hear that the server is going away, and what they have on its way is taken. Others don't know the word: who asks for more
    /// is told, and doesn't wait until it has gone.
    @Test func `More is asked for while the server drains`() throws {
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        #expect(try heard() == [.goingAway()])
        try say(.connectOpen(id: "late", address: "host:1"))
        #expect(try heard() == [.connectAck(id: "late", ok: true, error: "")])
        host.exchange?.abortResponse(Failure(.originClosed, "reset"))
        #expect(try heard() == [.connectClose(id: "late", error: "reset")])
        loop.advanceTime(by: .seconds(1))
        try say(.connectOpen(id: "y", address: "host:1"))
        try say(.webSocketOpen(id: "z", url: "ws://host/", fields: HeaderFields()))
        try say(.httpRequest(id: "w", method: "GET", url: "http://host/", fields: HeaderFields(), body: ByteBuffer()))
        let reason = "the server is going away"
        #expect(
            try heard() == [
                .connectAck(id: "y", ok: false, error: reason), .webSocketAck(id: "z", ok: false, error: reason),
                .failure(id: "w", status: 503, reason),
            ])
        #expect(channel.isActive)
        try say(.connectClose(id: "x", error: ""))
        loop.run()
        #expect(!channel.isActive)
    }

    /// The body of what our agent has begun may come at any time: it ends the session when it has sent that.
    @Test func `An agent that hears goodbyes takes its time`() throws {
        try say(.httpRequest(id: "a", method: "GET", url: "http://host/", fields: HeaderFields(), body: ByteBuffer(), client: 1))
        host.exchange?.sendResponseEnd()
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        loop.advanceTime(by: .seconds(5))
        try say(.httpRequest(id: "b", method: "GET", url: "http://host/", fields: HeaderFields(), body: ByteBuffer(), client: 1))
        host.exchange?.sendResponseEnd()
        let ids = try heard().map(\.id)
        #expect(ids == ["a", "0", "b"])
        #expect(channel.isActive)
    }

    /// A server that reloads while a connection's TLS shakes hands.
    @Test func `The server drains before the connection is open`() throws {
        let channel = EmbeddedChannel(loop: loop)
        let port = JSONServerPort(configuration: JSONConfiguration(FrameConfiguration().session), downstream: host, shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:50001"))
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        loop.run()
        let bytes = try #require(try channel.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: bytes).contains("going_away"))
    }

    /// An agent that takes the host's end for the whole's, or a client that has forgotten the tunnel.
    @Test func `Nothing more is heard`() throws {
        shard.deadlines.sweep(now: .now() + .seconds(50))
        #expect(try heard() == [] && host.seen.isEmpty)
        shard.deadlines.sweep(now: .now() + .seconds(70))
        guard case .connectClose("x", let error)? = try heard().first else { return #expect(Bool(false)) }
        #expect(!error.isEmpty && host.seen == ["aborted"] && shard.openExchanges == 0)
    }
}
