import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Resets that come behind an end, and heads that a server doesn't take.
@Suite struct H2ResetTests {
    private final class Client: ExchangeSource {
        var heads: [Int] = []
        var body = ""
        var credit = 0
        var hasEnded = false
        var aborted: Failure?
        override func responseHead(_ head: ResponseHead) { heads.append(head.status) }
        override func responseBody(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
        override func responseEnd(_ trailers: HeaderFields?) { hasEnded = true }
        override func responseAborted(_ failure: Failure) { aborted = failure }
        override func requestCredit(_ bytes: Int) { credit += bytes }
    }

    private let tunnel = TunnelClient {
        H2ClientPort(configuration: H2Configuration(client: FrameConfiguration().session), downstream: $0, shard: $1)
    }
    private let client = Client()
    private let channel: EmbeddedChannel

    init() throws {
        channel = try tunnel.connect().channel
        try channel.writeInbound(ByteBuffer(bytes: H2Wire.announce()))
        _ = try tunnel.sent(channel)
    }

    private func open(_ head: RequestHead) throws -> Exchange {
        let inbound = Inbound(channel: EmbeddedChannel(loop: tunnel.loop), remote: "192.0.2.2:1")
        let exchange = Exchange(head, from: client, client: inbound, on: tunnel.shard)
        tunnel.port.open(exchange)
        return exchange
    }

    private func openTunnel() throws -> Exchange {
        let exchange = try open(
            RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: "a.test:1", path: "", body: .unknown))
        _ = try tunnel.sent(channel)
        try say(H2Wire.ok(1))
        return exchange
    }

    private func say(_ bytes: [UInt8]) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        tunnel.loop.run()
    }

    /// RFC 9113, 8.1: a server that has said everything may reset the stream with NO_ERROR, for it takes no more.
    @Test func `A tunnel's last bytes reach a client whose host takes no more`() throws {
        let exchange = try openTunnel()
        try say(H2Wire.data(1, "last", end: true) + H2Wire.reset(1, 0))
        #expect(client.body == "last" && client.hasEnded && client.aborted == nil && !exchange.hasEnded)
        exchange.sendRequestBody(ByteBuffer(string: "unwanted"))
        #expect(client.credit == 8)
        exchange.sendRequestEnd()
        #expect(exchange.hasEnded && exchange.failure == nil && client.aborted == nil)
    }

    @Test func `A client that doesn't end its side is cut off`() throws {
        let exchange = try openTunnel()
        try say(H2Wire.data(1, "last", end: true) + H2Wire.reset(1, 0))
        tunnel.shard.deadlines.sweep(now: .now() + .seconds(50))
        #expect(!exchange.hasEnded)
        tunnel.shard.deadlines.sweep(now: .now() + .seconds(61))
        #expect(exchange.hasEnded && client.aborted?.code == .originClosed)
    }

    /// A part is never taken for the whole, in either direction.
    @Test(arguments: [H2Wire.data(1, "some") + H2Wire.reset(1, 0), H2Wire.data(1, "last", end: true) + H2Wire.reset(1, 10)])
    func `Any other reset of a tunnel is one`(_ said: [UInt8]) throws {
        let exchange = try openTunnel()
        try say(said)
        #expect(exchange.hasEnded && client.aborted != nil)
    }

    @Test func `An answer before the end of a request, and the end of its stream behind it`() throws {
        let exchange = try open(RequestHead(method: "POST", scheme: .http, authority: "a.test", path: "/", body: .unknown))
        exchange.sendRequestBody(ByteBuffer(string: "some"))
        exchange.flushRequest()
        _ = try tunnel.sent(channel)
        try say(H2Wire.ok(1) + H2Wire.data(1, "too much", end: true) + H2Wire.reset(1, 0))
        #expect(client.body == "too much" && client.hasEnded && exchange.hasEnded && exchange.failure == nil)
        // The connection goes on.
        let next = try open(RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/", body: .none))
        next.sendRequestEnd()
        #expect(H2Wire.frames(try tunnel.sent(channel)).contains { $0.type == H2Wire.headers && $0.stream == 3 })
    }

    @Test(arguments: [(15_000, false), (40_000, true)])
    func `A request's head that the server doesn't take is refused here`(_ size: Int, _ isRefused: Bool) throws {
        let beside = try openTunnel()
        let value = String(repeating: "v", count: 1_000)
        let fields = HeaderFields((0..<size / 1_000).map { ("x-\($0)", value) })
        let exchange = try open(
            RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/", body: .none, fields: fields))
        exchange.sendRequestEnd()
        let sent = H2Wire.frames(try tunnel.sent(channel)).filter { $0.type == H2Wire.headers }
        #expect(sent.count == (isRefused ? 0 : 1) && client.heads == (isRefused ? [200, 431] : [200]))
        #expect(!beside.hasEnded && channel.isActive)
    }

    @Test func `A response's head that is too large costs its exchange`() throws {
        let beside = try openTunnel()
        let exchange = try open(RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/", body: .none))
        exchange.sendRequestEnd()
        _ = try tunnel.sent(channel)
        try say(H2Wire.frame(H2Wire.settings, flags: 1))
        // 5,000 times a field of one letter's name and value: `a: b`, a literal that isn't indexed (RFC 7541, 6.2.2).
        let block: [UInt8] = [0x88] + (0..<5_000).flatMap { _ in [0x00, 0x01, 0x61, 0x01, 0x62] as [UInt8] }
        let pieces = stride(from: 0, to: block.count, by: 16_000).map { Array(block[$0..<min($0 + 16_000, block.count)]) }
        var bytes: [UInt8] = []
        for (index, piece) in pieces.enumerated() {
            let isLast = index == pieces.count - 1
            bytes += H2Wire.frame(index == 0 ? H2Wire.headers : 9, 3, flags: isLast ? 4 : 0, piece)
        }
        try say(bytes)
        #expect(client.heads == [200, 502] && exchange.hasEnded && !beside.hasEnded && channel.isActive)
    }
}
