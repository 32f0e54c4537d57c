import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// What becomes of requests of which the server says that it didn't begin them.
@Suite struct MuxUnbegunTests {
    private let tunnel = TunnelClient { MuxClientPort(configuration: MuxConfiguration(), downstream: $0, shard: $1) }

    private func connect() throws -> (connection: Outbound, channel: EmbeddedChannel) {
        let attempt = try tunnel.connect()
        try attempt.channel.writeInbound(ByteBuffer(bytes: MuxWire.hello()))
        _ = try tunnel.sent(attempt.channel)
        return attempt
    }

    private func sent(_ channel: EmbeddedChannel) throws -> String {
        String(decoding: try tunnel.sent(channel).readableBytesView, as: UTF8.self)
    }

    private func say(_ bytes: [UInt8], _ channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        tunnel.loop.run()
    }

    @Test func `What GOAWAY leaves out goes over the next session, with its body, in its order`() throws {
        let first = try connect()
        let begun = tunnel.ask("/begun")
        _ = try sent(first.channel)
        let post = tunnel.ask("/post", method: "POST", body: .unknown)
        post.sendRequestBody(ByteBuffer(string: "early,"))
        _ = try sent(first.channel)
        let get = tunnel.ask("/get")
        get.sendRequestEnd()
        _ = try sent(first.channel)
        try say(MuxWire.goAway(1), first.channel)
        post.sendRequestBody(ByteBuffer(string: "late"))
        post.sendRequestEnd()
        #expect(!begun.hasEnded && !post.hasEnded && !get.hasEnded)

        let second = try tunnel.connect()
        try say(MuxWire.hello(), second.channel)
        let text = try sent(second.channel)
        let places = ["/post", "early,late", "/get"].compactMap { text.firstRange(of: $0)?.lowerBound }
        #expect(places.count == 3 && places == places.sorted(), "\(text)")
        #expect(!text.contains("/begun"))
        try say(MuxWire.head(1) + MuxWire.data(1, 1, end: true) + MuxWire.head(2) + MuxWire.data(2, 1, end: true), second.channel)
        try say(MuxWire.head(1) + MuxWire.data(1, 1, end: true), first.channel)
        begun.sendRequestEnd()
        #expect(begun.failure == nil && post.failure == nil && get.failure == nil && post.hasEnded && get.hasEnded)
    }

    @Test func `What is refused is sent again on the same session, a little later, a few times`() throws {
        let session = try connect()
        let client = TunnelClient<MuxClientPort>.Client()
        let exchange = tunnel.ask("/busy", client)
        exchange.sendRequestEnd()
        for stream in 1...5 {
            #expect(try sent(session.channel).contains("/busy"))
            try say(MuxWire.reset(UInt32(stream), 6, "too many requests"), session.channel)
            #expect(try !sent(session.channel).contains("/busy"))
            tunnel.loop.advanceTime(by: .seconds(1))
        }
        #expect(client.heads == [503] && client.body.contains("too many requests") && exchange.hasEnded)
    }

    /// Whatever else a reset says, and whatever was answered before: it may have been begun.
    @Test(arguments: [
        MuxWire.reset(1, 7), MuxWire.reset(1, 1), MuxWire.reset(1, 19), MuxWire.goAway(0, 2), MuxWire.goAway(0, 5),
        MuxWire.head(1, MuxWire.response(103)) + MuxWire.reset(1, 6), MuxWire.head(1) + MuxWire.reset(1, 6),
        MuxWire.head(1, MuxWire.response(103)) + MuxWire.goAway(0),
    ])
    func `What may have begun is not sent again`(_ said: [UInt8]) throws {
        let session = try connect()
        let exchange = tunnel.ask("/once")
        exchange.sendRequestEnd()
        #expect(try sent(session.channel).contains("/once"))
        try say(said, session.channel)
        tunnel.loop.advanceTime(by: .seconds(2))
        #expect(exchange.hasEnded && exchange.failure != nil)
        #expect(try !sent(session.channel).contains("/once"))
    }

    @Test func `A body that was not kept is not sent in part`() throws {
        let session = try connect()
        let client = TunnelClient<MuxClientPort>.Client()
        let exchange = tunnel.ask("/large", client, method: "POST", body: .unknown)
        exchange.sendRequestBody(ByteBuffer(repeating: 0x78, count: UnbegunRequest.limit + 1))
        _ = try sent(session.channel)
        try say(MuxWire.goAway(0), session.channel)
        #expect(client.heads == [503] && client.body.contains("too much of the request's body was sent"))
    }

    /// Nothing of it has left: no server can have begun it.
    @Test func `What had not been sent when a session is lost goes over the next`() throws {
        let first = try connect()
        let sentBefore = tunnel.ask("/sent")
        sentBefore.sendRequestEnd()
        _ = try sent(first.channel)
        // Nothing is written any more.
        first.channel.isWritable = false
        let unsent = tunnel.ask("/unsent")
        unsent.sendRequestEnd()
        first.channel.pipeline.fireChannelInactive()
        tunnel.port.lost(first.connection, because: nil)
        #expect(sentBefore.hasEnded && !unsent.hasEnded)
        let second = try tunnel.connect()
        try say(MuxWire.hello(), second.channel)
        #expect(try sent(second.channel).contains("/unsent"))
    }

    /// What waits for a session waits no longer because it has been on one.
    @Test func `The time that it may wait goes on`() throws {
        tunnel.server.patience = .nanoseconds(1)
        let session = try connect()
        let client = TunnelClient<MuxClientPort>.Client()
        let exchange = tunnel.ask("/late", client)
        exchange.sendRequestEnd()
        _ = try sent(session.channel)
        try say(MuxWire.goAway(0), session.channel)
        #expect(!exchange.hasEnded)
        tunnel.shard.deadlines.sweep(now: .now())
        #expect(exchange.hasEnded && client.heads == [503])
    }
}
