import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Agents that want what isn't theirs, or what can't be: refused with a reason, and nobody else notices.
@Suite struct ResumptionAttackTests {
    private let server = ResumptionServer()
    private static let tunnel = MuxWire.request(kind: 1, scheme: 0, method: "CONNECT", authority: "a.test:443", path: "")

    /// A session with an echo on stream 1, and what of its frames the agent has.
    private func echo(_ server: ResumptionServer) throws -> (line: ResumptionServer.Line, token: ResumptionToken, position: UInt64)
    {
        let (line, token) = try server.begin()
        try line.say(MuxWire.open(1, Self.tunnel))
        #expect(try line.frames().contains { if case .head(1, _) = $0 { true } else { false } })
        // A PING of 16 bytes came with HELLO, and a HEAD.
        let handler = try #require(try line.channel.pipeline.syncOperations.handler(type: MuxConnection.self).handler)
        return (line, token, handler.resumable?.send.position ?? 0)
    }

    private func isRefused(_ answer: MuxAttachAnswer?, _ refusal: MuxAttachRefusal) -> Bool { answer == .refused(refusal) }

    private func token(of answer: MuxAttachAnswer?) -> ResumptionToken? {
        if case .accepted(_, let token) = answer { token } else { nil }
    }

    @Test func `A token is of use to its owner alone, who may have a renewed certificate`() throws {
        let (line, token, position) = try echo(server)
        line.lose()
        for other in [ResumptionServer.identity("other"), ResumptionServer.identity("agent.other")] {
            let (stranger, answer) = try server.attach(token, at: position, other)
            #expect(isRefused(answer, .foreign))
            // The connection is a session of its own.
            try stranger.say(MuxWire.open(1, Self.tunnel))
            #expect(try stranger.frames().contains { if case .head(1, _) = $0 { true } else { false } })
        }
        let (again, answer) = try server.attach(token, at: position, ResumptionServer.identity("agent", key: "2"))
        #expect(self.token(of: answer) != nil && self.token(of: answer) != token)
        try again.say(MuxWire.data(1, 5))
        #expect(try again.frames().contains { if case .data(1, let bytes, _, _) = $0 { bytes.readableBytes == 5 } else { false } })
        #expect(server.origin.exchanges[0].hasEnded == false)
    }

    @Test func `A token that was never given is unknown`() throws {
        let (line, token, position) = try echo(server)
        for guess in [ResumptionToken(), ResumptionToken(session: token.session)] {
            let (other, answer) = try server.attach(guess, at: position)
            #expect(isRefused(answer, .unknown) && other.channel.isActive)
        }
        // Nobody has let go of the connection that there is.
        #expect(line.channel.isActive && server.origin.exchanges[0].hasEnded == false)
    }

    @Test func `A token counts until the next has been used`() throws {
        let (line, first, position) = try echo(server)
        line.lose()
        // The answer is lost, twice.
        let lost = try (0..<2).map { _ in try server.attach(first, at: position) }
        #expect(
            lost.allSatisfy { token(of: $0.answer) != nil }
                && Set(lost.compactMap { token(of: $0.answer)?.session }) == [first.session])
        // Only the last has the session.
        #expect(!lost[0].line.channel.isActive && lost[1].line.channel.isActive)
        try lost[1].line.say(ResumptionServer.acknowledgement(position))
        let (_, old) = try server.attach(first, at: position)
        #expect(isRefused(old, .unknown))
        let (_, older) = try server.attach(try #require(token(of: lost[0].answer)), at: position)
        #expect(isRefused(older, .unknown))
        let (_, current) = try server.attach(try #require(token(of: lost[1].answer)), at: position)
        #expect(token(of: current) != nil && server.origin.exchanges[0].hasEnded == false)
    }

    /// Behind everything, and before what was acknowledged.
    @Test(arguments: [1, -1, Int64.max / 2]) func `A position that can't be is the end of that session only`(
        _ difference: Int64
    ) throws {
        let (bystander, _) = try server.begin(ResumptionServer.identity("bystander"))
        let (line, token, position) = try echo(server)
        try line.say(ResumptionServer.acknowledgement(position))
        let (other, answer) = try server.attach(token, at: UInt64(Int64(position) + difference))
        #expect(isRefused(answer, .position))
        #expect(server.origin.exchanges[0].hasEnded && server.origin.exchanges[0].failure != nil)
        #expect(server.parking.sessions.count == 1 && !line.channel.isActive && bystander.channel.isActive)
        #expect(try other.frames().isEmpty)
        let (_, again) = try server.attach(token, at: position)
        #expect(isRefused(again, .unknown))
    }

    @Test func `A server that is draining lets nobody go on, and ends what is detached`() throws {
        let (line, token, position) = try echo(server)
        line.lose()
        server.parking.drain()
        server.loop.run()
        #expect(server.origin.exchanges[0].hasEnded && server.parking.sessions.count == 0)
        let (_, answer) = try server.attach(token, at: position)
        #expect(isRefused(answer, .draining))
    }

    @Test func `A session that is leaving isn't gone on with`() throws {
        let (line, token, position) = try echo(server)
        line.channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        #expect(try line.frames().contains { if case .goAway = $0 { true } else { false } })
        let (_, answer) = try server.attach(token, at: position)
        #expect(isRefused(answer, .draining) && line.channel.isActive && !server.origin.exchanges[0].hasEnded)
        line.lose()
        #expect(server.origin.exchanges[0].hasEnded)
    }

    @Test func `A frame before the answer ends the connection, not the session that it asks for`() throws {
        let (line, token, position) = try echo(server)
        line.lose()
        let impatient = try server.accept()
        try impatient.say(ResumptionServer.hello(MuxAttach(token: token, position: position)) + MuxWire.open(3, Self.tunnel))
        #expect(!impatient.channel.isActive && server.origin.exchanges.count == 1)
        let (_, answer) = try server.attach(token, at: position)
        #expect(self.token(of: answer) != nil && !server.origin.exchanges[0].hasEnded)
    }

    @Test func `Each part of what attaches may come by itself`() throws {
        let (first, given, position) = try echo(server)
        var (line, token) = (first, given)
        let length = ResumptionServer.hello(MuxAttach(token: token, position: position)).count
        for split in 0...length {
            line.lose()
            let hello = ResumptionServer.hello(MuxAttach(token: token, position: position))
            line = try server.accept()
            try line.say(Array(hello.prefix(split)))
            try line.say(Array(hello.dropFirst(split)))
            let answer = try line.frames().lazy.compactMap { if case .attached(let answer) = $0 { answer } else { nil } }.first
            token = try #require(self.token(of: answer), "split at \(split)")
            try line.say(ResumptionServer.acknowledgement(position))
        }
        try line.say(MuxWire.data(1, 5))
        #expect(try line.frames().contains { if case .data(1, let bytes, _, _) = $0 { bytes.readableBytes == 5 } else { false } })
    }

    @Test func `Ten thousand attaches leave nothing behind, and what they may keep has a bound`() throws {
        var settings = ResumptionSettings()
        settings.memory = 100 * MuxParking.cost
        let server = ResumptionServer(settings)
        let (own, token, position) = try echo(server)
        var most = 0
        for number in 0..<10_000 {
            let guess = number % 2 == 0 ? ResumptionToken() : ResumptionToken(session: token.session)
            let (line, answer) = try server.attach(guess, at: position)
            #expect(isRefused(answer, .unknown))
            line.lose()
            most = max(most, server.parking.sessions.count)
        }
        #expect(most <= 101 && server.origin.exchanges[0].hasEnded == false)
        own.lose()
        server.shard.deadlines.sweep(now: .now() + .seconds(91))
        #expect(server.parking.sessions.count == 0 && server.parking.kept == 0)
    }

    @Test func `A peer that acknowledges nothing gets no more than is kept, and goes on when it does`() throws {
        var settings = ResumptionSettings()
        settings.store = 100_000
        let server = ResumptionServer(settings)
        server.origin.isSilent = true
        let (line, _) = try server.begin()
        try line.say(MuxWire.open(1, end: true))
        let exchange = server.origin.exchanges[0]
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.attach(ExchangeSink())
        for _ in 0..<30 { exchange.sendResponseBody(ByteBuffer(repeating: 1, count: 20_000)) }
        exchange.flushResponse()
        var came = data(try line.frames())
        #expect(came > 60_000 && came < 100_000 + ResumableSend.reserve)
        // It isn't taken for dead, and is answered.
        try line.say(MuxWire.ping(7))
        #expect(try line.frames().contains(.pong(7)))
        let handler = try #require(try line.channel.pipeline.syncOperations.handler(type: MuxConnection.self).handler)
        for _ in 0..<40 where came < 600_000 {
            try line.say(ResumptionServer.acknowledgement(handler.resumable?.send.sent ?? 0))
            came += data(try line.frames())
        }
        #expect(came == 600_000)
    }

    private func data(_ frames: [MuxFrame]) -> Int {
        frames.reduce(0) { if case .data(_, let bytes, _, _) = $1 { $0 + bytes.readableBytes } else { $0 } }
    }

    @Test func `A peer that acknowledges what is yet to come is cut off, and nothing is kept of it`() throws {
        let (line, _, position) = try echo(server)
        try line.say(ResumptionServer.acknowledgement(position + 1))
        let frames = try line.frames()
        #expect(frames.contains { if case .goAway(_, let failure) = $0 { failure.code == .protocolViolation } else { false } })
        #expect(server.origin.exchanges[0].hasEnded && server.parking.sessions.count == 0 && server.parking.kept == 0)
    }

    @Test func `Acknowledgements of nothing have a limit`() throws {
        let (line, _, position) = try echo(server)
        for _ in 0..<3_000 where line.channel.isActive { try line.say(ResumptionServer.acknowledgement(position)) }
        #expect(server.origin.exchanges[0].hasEnded && server.parking.sessions.count == 0)
    }

    @Test func `What nobody comes back for ends when its time is over`() throws {
        let (line, token, position) = try echo(server)
        line.lose()
        server.shard.deadlines.sweep(now: .now() + .seconds(89))
        #expect(!server.origin.exchanges[0].hasEnded && server.origin.exchanges[0].isInterrupted)
        server.shard.deadlines.sweep(now: .now() + .seconds(91))
        #expect(server.origin.exchanges[0].hasEnded && server.parking.sessions.count == 0 && server.parking.kept == 0)
        let (_, answer) = try server.attach(token, at: position)
        #expect(isRefused(answer, .unknown))
    }

    @Test func `Two hundred that lose their connections at once all go on`() throws {
        let names = (0..<200).map { ResumptionServer.identity("agent-\($0)") }
        let sessions = try names.map { name in
            let (line, token) = try server.begin(name)
            try line.say(MuxWire.open(1, Self.tunnel))
            _ = try line.frames()
            let handler = try #require(try line.channel.pipeline.syncOperations.handler(type: MuxConnection.self).handler)
            return (name: name, line: line, token: token, position: handler.resumable?.send.position ?? 0)
        }
        for session in sessions { session.line.lose() }
        for session in sessions.shuffled() {
            let (line, answer) = try server.attach(session.token, at: session.position, session.name)
            #expect(token(of: answer) != nil)
            try line.say(MuxWire.data(1, 3))
            #expect(
                try line.frames().contains { if case .data(1, let bytes, _, _) = $0 { bytes.readableBytes == 3 } else { false } })
        }
        #expect(server.parking.sessions.count == 200 && server.origin.exchanges.allSatisfy { !$0.hasEnded })
    }
}
