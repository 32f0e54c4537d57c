import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// What becomes of requests of which a server of HTTP/2 says that it didn't begin them (RFC 9113, 6.8 and 8.7).
@Suite struct H2UnbegunTests {
    private typealias Client = TunnelClient<H2ClientPort>.Client
    private let tunnel = TunnelClient {
        H2ClientPort(configuration: H2Configuration(client: FrameConfiguration().session), downstream: $0, shard: $1)
    }

    private func connect() throws -> (connection: Outbound, channel: EmbeddedChannel) {
        let attempt = try tunnel.connect()
        try say(H2Wire.announce(), attempt.channel)
        return attempt
    }

    private func say(_ bytes: [UInt8], _ channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        tunnel.loop.run()
    }

    private func sent(_ channel: EmbeddedChannel) throws -> [H2Wire.Frame] {
        H2Wire.frames(try tunnel.sent(channel)).filter { $0.stream > 0 && $0.type <= H2Wire.headers }
    }

    @Test func `What GOAWAY leaves out goes over the next connection, with its body`() throws {
        let first = try connect()
        let begun = tunnel.ask("/begun")
        begun.sendRequestEnd()
        _ = try sent(first.channel)
        let (client, post) = (Client(), tunnel.ask("/post", method: "POST", body: .unknown))
        post.sendRequestBody(ByteBuffer(string: "early,"))
        post.flushRequest()
        let get = tunnel.ask("/get", client)
        get.sendRequestEnd()
        #expect(try sent(first.channel).count { $0.type == H2Wire.headers } == 2)
        try say(H2Wire.goAway(1), first.channel)
        post.sendRequestBody(ByteBuffer(string: "late"))
        post.sendRequestEnd()
        #expect(!begun.hasEnded && !post.hasEnded && !get.hasEnded)

        let second = try connect()
        let again = try sent(second.channel)
        #expect(again.count { $0.type == H2Wire.headers } == 2)
        #expect(again.filter { $0.type == H2Wire.data }.map { String(buffer: $0.payload) }.joined() == "early,late")
        try say(H2Wire.ok(1, end: true) + H2Wire.ok(3, end: true), second.channel)
        try say(H2Wire.ok(1, end: true), first.channel)
        #expect(begun.hasEnded && post.hasEnded && get.hasEnded && client.heads == [200])
        #expect(begun.failure == nil && post.failure == nil && get.failure == nil)
    }

    /// A head waits for what comes behind it, and GOAWAY may come first: the library ends the connection for a head that is written then.
    @Test func `What was not sent yet when GOAWAY comes costs nobody anything`() throws {
        let first = try connect()
        let begun = tunnel.ask("/begun")
        begun.sendRequestEnd()
        _ = try sent(first.channel)
        let late = tunnel.ask("/late", method: "POST", body: .unknown)
        try first.channel.writeInbound(ByteBuffer(bytes: H2Wire.goAway(.max >> 1)))
        late.sendRequestBody(ByteBuffer(string: "body"))
        late.sendRequestEnd()
        #expect(try sent(first.channel).isEmpty && first.channel.isActive && !begun.hasEnded && !late.hasEnded)
        let again = try sent(try connect().channel)
        #expect(again.filter { $0.type == H2Wire.data }.map { String(buffer: $0.payload) }.joined() == "body")
        try say(H2Wire.ok(1, end: true), first.channel)
        #expect(begun.hasEnded && begun.failure == nil)
    }

    @Test func `A refused stream is sent again on the same connection, a few times`() throws {
        let session = try connect()
        let client = Client()
        let exchange = tunnel.ask("/busy", client)
        exchange.sendRequestEnd()
        for attempt in 0..<5 {
            let opened = try sent(session.channel)
            #expect(opened.count == 1 && opened.first?.type == H2Wire.headers)
            try say(H2Wire.reset(UInt32(2 * attempt + 1), 7), session.channel)
            #expect(try sent(session.channel).isEmpty)
            tunnel.loop.advanceTime(by: .seconds(1))
        }
        #expect(client.heads == [503] && exchange.hasEnded)
    }

    @Test(arguments: [
        H2Wire.reset(1, 8), H2Wire.reset(1, 2), H2Wire.goAway(0, 1), H2Wire.goAway(0, 11), H2Wire.ok(1) + H2Wire.reset(1, 7),
        H2Wire.ok(1) + H2Wire.goAway(0),
    ])
    func `What may have begun is not sent again`(_ said: [UInt8]) throws {
        let session = try connect()
        let exchange = tunnel.ask("/once")
        exchange.sendRequestEnd()
        #expect(try sent(session.channel).count == 1)
        try say(said, session.channel)
        tunnel.loop.advanceTime(by: .seconds(2))
        #expect(exchange.hasEnded && exchange.failure != nil)
        let next = try connect()
        #expect(try sent(session.channel).isEmpty && sent(next.channel).isEmpty)
    }
}
