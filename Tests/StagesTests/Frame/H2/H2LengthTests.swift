import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// What the library sees to, and requests depend on.
@Suite struct H2LengthTests {
    private final class Origin: ExchangeSink, ExchangePort {
        var hasEnded = false
        var failure: Failure?

        func open(_ exchange: Exchange) { exchange.attach(self) }
        override func requestEnd(_ trailers: HeaderFields?) { hasEnded = true }
        override func requestAborted(_ failure: Failure) { self.failure = failure }
    }

    /// RFC 9113, 8.1.1: one whose body has another length than its head says is malformed.
    @Test(arguments: [("ab", false), ("abc", true), ("abcd", false), ("", false)])
    func `A body is as long as its head says`(_ body: String, _ isTaken: Bool) throws {
        let loop = EmbeddedEventLoop()
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let origin = Origin()
        let port = H2ServerPort(
            configuration: H2Configuration(server: FrameConfiguration().session), downstream: origin, shard: shard)
        let channel = EmbeddedChannel(loop: loop)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:1"))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        // POST, http, /, with an authority of `a` and a content-length of 3.
        let head: [UInt8] = [0x83, 0x86, 0x84, 0x01, 1, 0x61, 0x0F, 0x0D, 1, 0x33]
        let bytes =
            Array(H2Wire.preface.utf8) + H2Wire.announce() + H2Wire.frame(H2Wire.headers, 1, flags: 4, head)
            + H2Wire.data(1, body, end: true)
        _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
        loop.run()
        #expect(origin.hasEnded == isTaken && (origin.failure != nil) != isTaken)
    }

    @Test func `Servers hear that nothing is to be pushed`() throws {
        let tunnel = TunnelClient {
            H2ClientPort(configuration: H2Configuration(client: FrameConfiguration().session), downstream: $0, shard: $1)
        }
        let settings = try #require(H2Wire.frames(try tunnel.sent(tunnel.connect().channel)).first { $0.type == H2Wire.settings })
        let pairs = stride(from: 0, to: settings.payload.readableBytes, by: 6).map { offset in
            settings.payload.getInteger(at: settings.payload.readerIndex + offset, as: UInt16.self)
        }
        #expect(pairs.contains(2))
    }
}
