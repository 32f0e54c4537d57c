import ConfigurationLanguage
import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// What is larger than `max-body` costs its exchange, and no other of the session.
@Suite struct JSONTooLargeTests {
    private static let limit = 64 << 10

    private static func configuration() -> JSONConfiguration {
        var configuration = FrameConfiguration()
        configuration.maxBody = ByteCount(limit)
        return JSONConfiguration(configuration.session)
    }

    /// Answers every request, and takes what tunnels and WebSockets say.
    private final class Host: ExchangeSink, ExchangePort {
        var open: [Exchange] = []
        var aborted = 0
        var body = ByteBuffer()

        func open(_ exchange: Exchange) {
            open.append(exchange)
            exchange.attach(self)
            var head = ResponseHead(status: 200, body: .unknown)
            if exchange.request.kind == .upgrade {
                head.status = 101
                head.fields.append(
                    "Sec-WebSocket-Accept", WebSocketHandshake.accept(for: exchange.request.fields.first("Sec-WebSocket-Key") ?? "")
                )
            }
            exchange.sendResponseHead(head)
            if exchange.request.kind == .plain { exchange.sendResponseEnd() }
        }

        override func requestBody(_ bytes: ByteBuffer) {
            body.writeImmutableBuffer(bytes)
            open.last?.creditRequest(bytes.readableBytes)
        }
        override func requestAborted(_ failure: Failure) { aborted += 1 }
    }

    private static func heard(_ channel: EmbeddedChannel, _ loop: EmbeddedEventLoop) throws -> [JSONEnvelope] {
        loop.run()
        var scanner = JSONScanner(limit: 1 << 20)
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { scanner.append(bytes) }
        var all: [JSONEnvelope] = []
        while let value = try scanner.next() { try JSONEnvelope.decode(value).map { all.append($0) } }
        return all
    }

    /// In pieces, as a network gives them.
    private static func say(_ envelope: JSONEnvelope, _ channel: EmbeddedChannel) throws {
        var bytes = ByteBuffer()
        envelope.encode(into: &bytes)
        while let piece = bytes.readSlice(length: min(50_000, bytes.readableBytes)), piece.readableBytes > 0 {
            try channel.writeInbound(piece)
        }
    }

    /// A little more than a body may be, and more than an envelope.
    static let sizes = [limit + 1, 400 << 10, 3 << 20]

    @Test(arguments: sizes) func `A request`(_ size: Int) throws {
        let (loop, host) = (EmbeddedEventLoop(), Host())
        let channel = EmbeddedChannel(loop: loop)
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let port = JSONServerPort(configuration: Self.configuration(), downstream: host, shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:50000"))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        let body = ByteBuffer(repeating: 1, count: size)
        let (url, none) = ("http://a.test/", HeaderFields())

        try Self.say(.httpRequest(id: "a", method: "POST", url: url, fields: none, body: body), channel)
        guard case .httpResponse("a", 413, _, let text, let error) = try #require(try Self.heard(channel, loop).first) else {
            Issue.record("no 413")
            return
        }
        // Agents of the first Fluidity pass on the body alone.
        #expect(error.contains("\(Self.limit) bytes") && String(buffer: text) == error + "\n" && host.open.isEmpty)

        try Self.say(.webSocketOpen(id: "w", url: url, fields: none), channel)
        #expect(try Self.heard(channel, loop) == [.webSocketAck(id: "w", ok: true, error: "")])
        try Self.say(.webSocketMessage(id: "w", kind: 2, data: body), channel)
        guard case .webSocketClose("w", 1009, _) = try #require(try Self.heard(channel, loop).first) else {
            Issue.record("the WebSocket goes on")
            return
        }
        #expect(host.body.getInteger(at: host.body.readerIndex) == UInt8(0x88), "a close frame")

        // Neither costs the session.
        try Self.say(.httpRequest(id: "b", method: "GET", url: url, fields: none, body: ByteBuffer()), channel)
        #expect(try Self.heard(channel, loop) == [.httpResponse(id: "b", status: 200, fields: none, body: ByteBuffer(), error: "")])
        #expect(channel.isActive)
    }

    @Test func `A piece of a tunnel that is larger than an envelope`() throws {
        let (loop, host) = (EmbeddedEventLoop(), Host())
        let channel = EmbeddedChannel(loop: loop)
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let port = JSONServerPort(configuration: Self.configuration(), downstream: host, shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:50000"))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        for id in ["x", "y"] { try Self.say(.connectOpen(id: id, address: "host:1"), channel) }
        _ = try Self.heard(channel, loop)
        try Self.say(.connectData(id: "x", chunk: ByteBuffer(repeating: 1, count: 1 << 20)), channel)
        guard case .connectClose("x", let error) = try #require(try Self.heard(channel, loop).first) else {
            Issue.record("the tunnel goes on")
            return
        }
        // A part is never taken for the whole.
        #expect(!error.isEmpty && host.aborted == 1 && host.body.readableBytes == 0)
        try Self.say(.connectData(id: "y", chunk: ByteBuffer(string: "still there")), channel)
        #expect(String(buffer: host.body) == "still there" && channel.isActive)
    }

    @Test(arguments: sizes) func `A response`(_ size: Int) throws {
        let tunnel = TunnelClient { JSONClientPort(configuration: Self.configuration(), downstream: $0, shard: $1) }
        let channel = try tunnel.connect().channel
        tunnel.loop.run()
        let clients = [TunnelClient<JSONClientPort>.Client(), TunnelClient<JSONClientPort>.Client()]
        let exchanges = clients.map { tunnel.ask("/", $0) }
        for exchange in exchanges { exchange.sendRequestEnd() }
        let ids = try Self.heard(channel, tunnel.loop).map(\.id)
        #expect(ids.count == 2)
        for (id, size) in zip(ids, [size, 10]) {
            let body = ByteBuffer(repeating: 0x78, count: size)
            try Self.say(.httpResponse(id: id, status: 200, fields: HeaderFields(), body: body, error: ""), channel)
        }
        #expect(clients.map(\.heads) == [[502], [200]] && clients[1].body == "xxxxxxxxxx")
        #expect(clients[0].body.contains("\(Self.limit) bytes") && channel.isActive)
    }
}
