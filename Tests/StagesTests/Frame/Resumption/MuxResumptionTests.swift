import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Agent and server go on over another connection, wherever the one before was cut.
@Suite struct MuxResumptionTests {
    private typealias Client = TunnelClient<MuxClientPort>.Client

    @Test(arguments: 0..<6) func `What is sent comes back once and in its order`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed + 77)
        let link = ResumptionLink()
        try link.connect()
        try link.move()
        let clients = (0..<4).map { _ in Client() }
        let exchanges = clients.enumerated().map { link.agent.ask("/\($0.offset)", $0.element, method: "POST", body: .unknown) }
        var sent = Array(repeating: "", count: clients.count)
        var cuts = 0
        for step in 0..<1_500 {
            switch random.below(10) {
            case 0..<4:
                let index = random.below(clients.count)
                let text = "\(index):\(step);" + String(repeating: "x", count: random.below(random.chance(10) ? 5_000 : 40))
                guard sent[index].utf8.count + text.utf8.count < 100_000 else { break }
                sent[index] += text
                exchanges[index].sendRequestBody(ByteBuffer(string: text))
                exchanges[index].flushRequest()
            case 4 where random.chance(30):
                link.cut(agentFirst: random.chance(50))
                cuts += 1
                try link.connect()
            default:
                try link.move(1 + random.below(random.chance(50) ? 30 : 3_000))
            }
        }
        for exchange in exchanges { exchange.sendRequestEnd() }
        try link.move()
        #expect(cuts > 20)
        for (index, client) in clients.enumerated() {
            #expect(client.body == sent[index] && client.heads == [200] && client.aborted == nil, "seed \(seed), stream \(index)")
            #expect(exchanges[index].hasEnded && exchanges[index].failure == nil)
        }
        #expect(link.server.origin.exchanges.count == clients.count && link.server.parking.sessions.count == 1)
    }

    /// Either end may be one from before, or be told not to.
    @Test(arguments: [(false, true), (true, false), (false, false)])
    func `Where one end does not resume, a loss ends what is open, and the next connection is as good`(
        _ agent: Bool, _ server: Bool
    ) throws {
        let link = ResumptionLink(resumes: (agent, server))
        try link.connect()
        try link.move()
        let client = Client()
        let exchange = link.agent.ask("/", client, method: "POST", body: .unknown)
        exchange.sendRequestBody(ByteBuffer(string: "one"))
        exchange.flushRequest()
        try link.move()
        #expect(client.body == "one")
        link.cut(agentFirst: true)
        #expect(exchange.hasEnded && client.aborted?.code == .tunnelLost && link.server.origin.exchanges[0].hasEnded)
        try link.connect()
        try link.move()
        let next = Client()
        let again = link.agent.ask("/again", next, method: "POST", body: .unknown)
        again.sendRequestBody(ByteBuffer(string: "two"))
        again.sendRequestEnd()
        try link.move()
        #expect(next.body == "two" && again.hasEnded && again.failure == nil)
    }

    /// A server of the same place that is another process, or that has kept the session for as long as it does.
    @Test func `What the server doesn't know any more ends with an error that says so, and others go on`() throws {
        let link = ResumptionLink()
        try link.connect()
        try link.move()
        let client = Client()
        let exchange = link.agent.ask("/", client, method: "POST", body: .unknown)
        exchange.sendRequestBody(ByteBuffer(string: "one"))
        exchange.flushRequest()
        try link.move()
        link.cut(agentFirst: true)
        #expect(!exchange.hasEnded && !link.server.origin.exchanges[0].hasEnded)
        link.server.shard.deadlines.sweep(now: .now() + .seconds(91))
        let waiting = Client()
        let next = link.agent.ask("/next", waiting)
        next.sendRequestEnd()
        try link.connect()
        try link.move()
        #expect(exchange.hasEnded && client.aborted?.message.contains("doesn't know it any more") == true)
        #expect(waiting.heads == [200] && next.hasEnded && next.failure == nil)
    }

    /// A connection that turns out to be broken when something is written to it brings what it still had before it ends.
    private final class ReadsOnFlush: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var bytes: ByteBuffer?

        func flush(context: ChannelHandlerContext) {
            context.flush()
            guard let bytes else { return }
            self.bytes = nil
            context.fireChannelRead(NIOAny(bytes))
            context.fireChannelReadComplete()
        }
    }

    @Test func `A stream that is opened within the last write of another keeps its place`() throws {
        let server = ResumptionServer()
        server.origin.isSilent = true
        let (line, _) = try server.begin()
        let reading = ReadsOnFlush()
        try line.channel.pipeline.syncOperations.addHandler(reading, position: .first)
        try line.say(MuxWire.open(1, end: true))
        let first = server.origin.exchanges[0]
        first.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        first.attach(ExchangeSink())
        for _ in 0..<3 { first.sendResponseBody(ByteBuffer(repeating: 1, count: 20_000)) }
        reading.bytes = ByteBuffer(bytes: MuxWire.open(3, end: true))
        first.sendResponseEnd()
        _ = try line.frames()
        #expect(first.hasEnded)
        let second = try #require(server.origin.exchanges.dropFirst().first)
        second.attach(ExchangeSink())
        second.sendResponseHead(ResponseHead(status: 204))
        second.sendResponseEnd()
        #expect(try line.frames().contains { if case .head(3, _) = $0 { true } else { false } })
    }
}
