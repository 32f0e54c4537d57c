import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// What an agent that wants to go on makes of what the server says.
@Suite struct ResumptionAnswerTests {
    private typealias Client = TunnelClient<MuxClientPort>.Client

    /// An agent that has sent a request and lost its connection, and has another.
    private struct Asking {
        let agent: TunnelClient<MuxClientPort>
        let client: Client
        let exchange: Exchange
        let connection: Outbound
        let channel: EmbeddedChannel
        /// All that it has sent, in bytes.
        let sent: UInt64
        let attach: MuxAttach

        func say(_ bytes: [UInt8]) throws {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            agent.loop.run()
        }
    }

    private static func hello() -> [UInt8] {
        var settings = MuxSettings(streamWindow: 1 << 20, sessionWindow: 4 << 20, maxStreams: 100)
        settings.resumes = true
        settings.offer = MuxOffer(token: ResumptionToken(), keep: 90)
        var bytes = ByteBuffer()
        MuxFrameEncoder.hello(settings, into: &bytes)
        return Array(bytes.readableBytesView)
    }

    private static func attached(_ answer: MuxAttachAnswer) -> [UInt8] {
        var bytes = ByteBuffer()
        MuxFrameEncoder.attached(answer, into: &bytes)
        return Array(bytes.readableBytesView)
    }

    private func ask() throws -> Asking {
        let agent = TunnelClient {
            MuxClientPort(
                configuration: MuxConfiguration(), downstream: $0, shard: $1, parking: MuxParking(ResumptionSettings()),
                disturbance: nil)
        }
        let first = try agent.connect()
        let greeting = try agent.sent(first.channel).readableBytes
        #expect(greeting > 22)
        try first.channel.writeInbound(ByteBuffer(bytes: Self.hello()))
        let client = Client()
        let exchange = agent.ask("/", client, method: "POST", body: .unknown)
        exchange.sendRequestBody(ByteBuffer(string: "body"))
        exchange.flushRequest()
        let sent = UInt64(try agent.sent(first.channel).readableBytes)
        _ = try? first.channel.finish(acceptAlreadyClosed: true)
        agent.port.lost(first.connection, because: nil)
        agent.loop.run()
        let second = try agent.connect()
        var decoder = MuxFrameDecoder()
        decoder.append(try agent.sent(second.channel))
        guard case .hello(let settings)? = try decoder.next(), let attach = settings.attach else { throw ChannelError.eof }
        return Asking(
            agent: agent, client: client, exchange: exchange, connection: second.connection, channel: second.channel, sent: sent,
            attach: attach)
    }

    @Test func `Each part of the answer may come by itself`() throws {
        let answer = MuxWire.head(1) + MuxWire.data(1, 7, end: true)
        let length = Self.hello().count + Self.attached(.accepted(position: 0, ResumptionToken())).count + answer.count
        for split in 0...length {
            let asking = try ask()
            let all = Self.hello() + Self.attached(.accepted(position: asking.sent, ResumptionToken())) + answer
            try asking.say(Array(all.prefix(split)))
            try asking.say(Array(all.dropFirst(split)))
            #expect(
                asking.client.heads == [200] && asking.client.body == "xxxxxxx" && asking.client.aborted == nil, "split at \(split)"
            )
        }
    }

    @Test func `What the server doesn't have is sent again, to the byte`() throws {
        for missing in [1, 8, 9, 20] as [UInt64] {
            let asking = try ask()
            try asking.say(Self.hello() + Self.attached(.accepted(position: asking.sent - missing, ResumptionToken())))
            let again = try asking.agent.sent(asking.channel)
            // The rest, and an ACK, which shows that it has the token.
            #expect(UInt64(again.readableBytes) == missing + 16)
            #expect(String(buffer: again).contains("body") == (missing >= 4))
        }
    }

    /// Behind what was sent, and before what was acknowledged.
    @Test func `A position that can't be ends the session, and the connection`() throws {
        let asking = try ask()
        try asking.say(Self.hello() + Self.attached(.accepted(position: asking.sent + 1, ResumptionToken())))
        #expect(asking.exchange.hasEnded && asking.client.heads == [502] && !asking.channel.isActive)
    }

    @Test(arguments: MuxAttachRefusal.allCases)
    func `A refusal ends what was under way, with its reason, and the connection is another session's`(
        _ refusal: MuxAttachRefusal
    ) throws {
        let asking = try ask()
        let next = Client()
        let waiting = asking.agent.ask("/next", next)
        waiting.sendRequestEnd()
        try asking.say(Self.hello() + Self.attached(.refused(refusal)))
        #expect(asking.exchange.hasEnded && asking.client.heads == [502] && asking.client.body.contains(refusal.words))
        try asking.say(MuxWire.head(1) + MuxWire.data(1, 3, end: true))
        #expect(next.heads == [200] && next.body == "xxx" && waiting.failure == nil)
    }

    @Test func `A server from before has another session`() throws {
        let asking = try ask()
        try asking.say(MuxWire.hello())
        #expect(asking.exchange.hasEnded && asking.client.heads == [502] && asking.channel.isActive)
    }

    /// Nothing stands between HELLO and the answer, and no answer without a question.
    @Test func `What isn't the answer ends the connection`() throws {
        for bytes in [MuxWire.ping(1), MuxWire.head(1), MuxWire.window(0, 1_000)] {
            let asking = try ask()
            try asking.say(Self.hello() + bytes)
            #expect(!asking.channel.isActive && !asking.exchange.hasEnded)
        }
        let asking = try ask()
        try asking.say(Self.hello() + Self.attached(.accepted(position: asking.sent, ResumptionToken())))
        #expect(!asking.exchange.hasEnded)
        try asking.say(Self.attached(.accepted(position: asking.sent, ResumptionToken())))
        #expect(asking.exchange.hasEnded && !asking.channel.isActive)
    }
}
