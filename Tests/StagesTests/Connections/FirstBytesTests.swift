import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Who gets a connection by what it begins with, and what becomes of one that doesn't begin.
@Suite struct FirstBytesTests {
    /// What stands behind, and what it hears.
    private final class Next: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var heard: [String] = []
        func channelActive(context: ChannelHandlerContext) { heard.append("active") }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { heard.append(String(buffer: unwrapInboundIn(data))) }
        func channelInactive(context: ChannelHandlerContext) { heard.append("inactive") }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            switch event {
            case ChannelEvent.inputClosed: heard.append("end")
            case is DrainEvent: heard.append("drain")
            default: break
            }
        }
    }

    private struct Refusal: Error {}

    /// Reads a word to its end, `.`: `keep` and the rest go on, `hello` is answered before, `wrong` is refused, `broken` can't be accepted.
    private struct Words: FirstBytesReader {
        let next: Next
        var takesHalves = false
        var reads: [String] = []

        mutating func read(_ all: ByteBuffer, newest: ByteBuffer) -> FirstBytesDecision {
            reads.append(String(buffer: newest))
            #expect(reads.joined() == String(buffer: all))
            guard let end = all.readableBytesView.firstIndex(of: UInt8(ascii: ".")) else { return .wait }
            let word = String(decoding: all.readableBytesView[..<end], as: UTF8.self)
            switch word {
            case "wrong": return .refuse(ByteBuffer(string: "no"))
            case "broken": return .give(all) { _ in throw Refusal() }
            default: return give(all, answer: word == "hello" ? ByteBuffer(string: "hi") : nil)
            }
        }

        func ended(_ all: ByteBuffer) -> FirstBytesDecision { takesHalves ? give(all, answer: nil) : .wait }

        private func give(_ bytes: ByteBuffer, answer: ByteBuffer?) -> FirstBytesDecision {
            .give(bytes, answer: answer) { [next] in try $0.pipeline.syncOperations.addHandler(next) }
        }
    }

    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel
    private let shard: Shard
    private let next = Next()

    init() throws {
        channel = EmbeddedChannel(loop: loop)
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func begin(takesHalves: Bool = false) throws {
        try channel.pipeline.syncOperations.addHandler(
            FirstBytesHandler(Words(next: next, takesHalves: takesHalves), on: shard, within: .seconds(10)))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
    }

    private func says(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    private var said: String? { get throws { try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) } } }

    @Test(arguments: 1...7)
    func `Who is known gets all that came, split anywhere, and what follows`(split: Int) throws {
        try begin()
        let text = "keep.it"
        try says(String(text.prefix(split)))
        if split < 5 { #expect(next.heard.isEmpty) }
        if split < text.count { try says(String(text.dropFirst(split))) }
        #expect(next.heard.first == "active" && next.heard.dropFirst().joined() == text)
        try says("more")
        #expect(next.heard.last == "more")
        // It is out of the way: no deadline of it ends what was given away.
        shard.deadlines.sweep(now: .now() + .seconds(60))
        #expect(channel.isActive)
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        #expect(next.heard.last == "drain")
    }

    @Test func `An answer goes before`() throws {
        try begin()
        try says("hello.")
        #expect(try said == "hi" && next.heard == ["active", "hello."])
    }

    @Test func `Who is refused is told so, and what still comes is nobody's`() throws {
        try begin()
        try says("wrong.")
        #expect(try said == "no")
        if channel.isActive { try says("keep.") }
        #expect(next.heard.isEmpty)
        shard.deadlines.sweep(now: .now() + .seconds(11))
        loop.run()
        #expect(!channel.isActive)
    }

    @Test func `Whom nobody can accept goes`() throws {
        try begin()
        try says("broken.")
        loop.run()
        #expect(!channel.isActive && next.heard.isEmpty)
    }

    @Test func `Who doesn't begin goes after a while`() throws {
        try begin()
        try says("kee")
        shard.deadlines.sweep(now: .now() + .seconds(9))
        #expect(channel.isActive)
        shard.deadlines.sweep(now: .now() + .seconds(11))
        loop.run()
        #expect(!channel.isActive && next.heard.isEmpty)
    }

    @Test func `Who hasn't begun doesn't keep a server that drains`() throws {
        try begin()
        try says("kee")
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        loop.run()
        #expect(!channel.isActive && next.heard.isEmpty)
    }

    @Test(arguments: [false, true])
    func `Who ends in the middle goes, or is given to who can say why`(takesHalves: Bool) throws {
        try begin(takesHalves: takesHalves)
        try says("kee")
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        loop.run()
        #expect(channel.isActive == takesHalves)
        #expect(next.heard == (takesHalves ? ["active", "kee", "end"] : []))
    }
}
