import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// A server that takes only so many streams on a connection: another is opened beside it, and given back.
@Suite struct H2CrowdTests {
    private let tunnel = TunnelClient {
        H2ClientPort(configuration: H2Configuration(client: FrameConfiguration().session), downstream: $0, shard: $1)
    }

    private func connect(isExtra: Bool = false) throws -> EmbeddedChannel {
        let channel = try tunnel.connect(isExtra: isExtra).channel
        try say(H2Wire.announce([(3, 2)]), channel)
        return channel
    }

    private func say(_ bytes: [UInt8], _ channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        tunnel.loop.run()
    }

    private func sent(_ type: UInt8, _ channel: EmbeddedChannel) throws -> Int {
        H2Wire.frames(try tunnel.sent(channel)).count { $0.type == type }
    }

    private func ask(_ count: Int) -> [Exchange] {
        (0..<count).map { _ in
            let exchange = tunnel.ask("/")
            exchange.sendRequestEnd()
            return exchange
        }
    }

    private func pass(_ time: TimeAmount) {
        tunnel.shard.deadlines.sweep(now: .now() + time)
        tunnel.loop.run()
    }

    @Test func `What has no room goes over another connection`() throws {
        let first = try connect()
        let exchanges = ask(5)
        #expect(try sent(H2Wire.headers, first) == 2 && tunnel.server.wanted == 1)
        let second = try connect(isExtra: true)
        #expect(try sent(H2Wire.headers, second) == 2 && tunnel.server.wanted == 2)
        // Room on the first goes to what waits, and then to what is new.
        try say(H2Wire.ok(1, end: true), first)
        #expect(try sent(H2Wire.headers, first) == 1)
        try say(H2Wire.ok(3, end: true) + H2Wire.ok(5, end: true), first)
        _ = ask(1)
        #expect(try sent(H2Wire.headers, first) == 1 && sent(H2Wire.headers, second) == 0)
        try say(H2Wire.ok(1, end: true) + H2Wire.ok(3, end: true), second)
        #expect(exchanges.allSatisfy { $0.hasEnded && $0.failure == nil })
    }

    @Test func `It is given back when nobody has used it for a while`() throws {
        let first = try connect()
        _ = ask(3)
        let second = try connect(isExtra: true)
        pass(.seconds(31))
        #expect(second.isActive, "it is used")
        try say(H2Wire.ok(1, end: true), second)
        pass(.seconds(29))
        #expect(second.isActive)
        pass(.seconds(31))
        #expect(try sent(H2Wire.goAway, second) == 1 && !second.isActive && first.isActive)
        // What comes now waits for another.
        let wanted = tunnel.server.wanted
        _ = ask(1)
        #expect(tunnel.server.wanted == wanted + 1)
    }

    @Test func `One that was asked for in vain is given back too, and the first is kept`() throws {
        let first = try connect()
        let second = try connect(isExtra: true)
        pass(.seconds(31))
        #expect(!second.isActive && first.isActive)
    }

    @Test func `When the first is lost, the others go on`() throws {
        let first = try tunnel.connect()
        try say(H2Wire.announce([(3, 2)]), first.channel)
        _ = ask(3)
        let second = try connect(isExtra: true)
        first.channel.pipeline.fireChannelInactive()
        tunnel.port.lost(first.connection, because: nil)
        _ = ask(1)
        #expect(try sent(H2Wire.headers, second) == 2)
    }

    /// It is tried again when there may be room, and not before.
    @Test func `Who waits is told of room`() throws {
        _ = try connect()
        _ = ask(4)
        #expect(tunnel.server.wanted == 1)
        tunnel.port.roomFreed()
        #expect(tunnel.server.wanted == 2)
    }
}
