import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

/// What a hostile peer tries ends its session with the right reason, or is bounded.
@Suite struct MuxAttackTests {
    @Test(arguments: MuxAttack.order + MuxAttack.windows + MuxAttack.floods + MuxAttack.heads)
    func isShownOut(_ attack: MuxAttack) {
        var victim = MuxVictim(attack.role)
        #expect(victim.session.isEstablished)
        attack.run(&victim)
        #expect(victim.failure?.code == attack.code, "\(victim.failure?.message ?? "no failure")")
        #expect(victim.session.control.count <= MuxSession.controlLimit)
        // Only the reason is written, whatever the owner still does.
        for slot in victim.session.slots.values { victim.session.consume(.max, on: slot, now: .now()) }
        for slot in victim.session.slots.values { victim.session.reset(slot, Failure(.cancelled, "")) }
        let written = victim.written()
        guard case .goAway(_, let failure)? = written.first, written.count == 1 else {
            Issue.record("\(written) was written")
            return
        }
        #expect(failure.code == attack.code)
    }

    @Test(arguments: [MuxWire.ping(1), MuxWire.open(1), MuxWire.goAway(0), MuxWire.frame(20)])
    func frameBeforeHello(_ bytes: [UInt8]) {
        #expect(MuxVictim(.acceptor, hello: bytes).failure?.code == .protocolViolation)
        #expect(MuxVictim(.opener, hello: bytes).failure?.code == .protocolViolation)
    }

    @Test func helloWithTooLargeWindows() {
        #expect(MuxVictim(.opener, hello: MuxWire.hello(stream: 0x8000_0000)).failure?.code == .flowControl)
        #expect(MuxVictim(.opener, hello: MuxWire.hello(session: .max)).failure?.code == .flowControl)
    }

    @Test func endlessInformationalHeadsEndTheStreamOnly() {
        var victim = MuxVictim(.opener)
        victim.open()
        victim.flood(100) { _ in MuxWire.head(1, MuxWire.response(103)) }
        #expect(victim.failure == nil && victim.resets == [.excessive] && victim.session.openStreams == 0)
        let isToldSo = victim.written().contains { if case .reset(1, _) = $0 { true } else { false } }
        #expect(isToldSo)
    }

    @Test func headsBeyondTheMemoryAreRefusedAndTheSessionGoesOn() {
        var victim = MuxVictim(.acceptor)
        let head = MuxWire.request([("X", String(repeating: "x", count: 3_000))])
        for id in 1...3 { victim.feed(MuxWire.open(UInt32(id), head, early: [1, 2, 3])) }
        #expect(victim.failure == nil && victim.session.openStreams == 2)
        #expect(victim.session.receiving.heads <= victim.session.configuration.headMemory)
        let refused = victim.written().contains { if case .reset(3, let why) = $0 { why.code == .refused } else { false } }
        #expect(refused)
        victim.feed(MuxWire.reset(1) + MuxWire.open(4, head))
        #expect(victim.failure == nil && victim.session.openStreams == 2 && victim.resets == [.peer])
    }

    /// What waits in a stream's queue takes memory for its bytes, not for their number or for what they were read with.
    @Test func smallPiecesInAQueue() throws {
        var configuration = MuxConfiguration()
        configuration.maxStreams = 2_000
        var victim = MuxVictim(.acceptor, configuration, hello: MuxWire.hello(stream: 0))
        for id in 1...UInt32(1_000) {
            victim.feed(MuxWire.open(id))
            let slot = try #require(victim.lastSlot)
            let isSent = victim.session.send(ResponseHead(status: 200), on: slot)
            #expect(isSent)
            for _ in 0..<100 {
                let read = ByteBuffer(repeating: 0x78, count: 65_536)
                victim.session.send(read.getSlice(at: 0, length: 1) ?? read, on: slot)
            }
        }
        let streams = victim.session.streams
        #expect(victim.session.queuedBytes >= 100_000)
        #expect(streams.allSatisfy { $0.sending.count <= 2 })
        #expect(streams.reduce(0) { $0 + $1.sending.capacity } < configuration.memory / 8)
        #expect(victim.session.pinned <= configuration.pinnedMemory + 65_536)
    }

    @Test func aRestInAQueueDoesNotKeepTheWhole() throws {
        var victim = MuxVictim(.acceptor, hello: MuxWire.hello(stream: 65_535))
        victim.feed(MuxWire.open(1))
        let slot = try #require(victim.lastSlot)
        let isSent = victim.session.send(ResponseHead(status: 200), on: slot)
        #expect(isSent)
        victim.session.send(ByteBuffer(repeating: 0x78, count: 65_536), on: slot)
        _ = victim.written()
        #expect(victim.session.queuedBytes == 1 && victim.session.streams[slot].sending.capacity < 64)
    }

    @Test func manyTrailersEndTheirStreamsOnly() {
        var victim = MuxVictim(.acceptor)
        let list = [("X", String(repeating: "x", count: 3_000))]
        for id in 1...UInt32(10) { victim.feed(MuxWire.open(id) + MuxWire.trailers(id, list)) }
        #expect(victim.failure == nil && victim.resets == Array(repeating: .excessive, count: 8) && victim.session.openStreams == 2)
        #expect(victim.session.receiving.heads <= victim.session.configuration.headMemory)
    }

    @Test func manyHeadsOfResponsesEndTheirStreamsOnly() {
        var victim = MuxVictim(.opener)
        for _ in 0..<10 { victim.open() }
        let head = MuxWire.response(103, [("X", String(repeating: "x", count: 3_000))])
        for id in 1...UInt32(10) { victim.feed(MuxWire.head(id, head)) }
        #expect(victim.failure == nil && victim.resets == Array(repeating: .excessive, count: 8) && victim.session.openStreams == 2)
        #expect(victim.session.receiving.heads <= victim.session.configuration.headMemory)
    }

    /// The end of a stream gives nothing back; passing on what it left does.
    @Test func windowOfAStreamThatIsOver() throws {
        var victim = MuxVictim(.acceptor)
        victim.feed(MuxWire.open(1) + MuxWire.data(1, 4_096))
        let slot = try #require(victim.lastSlot)
        victim.session.reset(slot, Failure(.cancelled, ""))
        #expect(victim.session.received == 4_096 && victim.session.receiving.unsettled == 1)
        let holding = victim.session.takeHolding(slot)
        victim.session.settle(holding)
        #expect(victim.session.received == 0 && victim.session.receiving.unsettled == 0 && victim.session.receiving.heads == 0)
    }

    /// A peer can't pile up streams that are over and not settled.
    @Test func unsettledStreamsLeaveLessRoom() throws {
        var victim = MuxVictim(.acceptor)
        var held: [MuxHolding] = []
        for id in 1...UInt32(16) {
            victim.feed(MuxWire.open(id) + MuxWire.data(id, 1))
            let slot = try #require(victim.lastSlot)
            victim.session.reset(slot, Failure(.cancelled, ""))
            held.append(victim.session.takeHolding(slot))
        }
        victim.feed(MuxWire.open(17))
        #expect(victim.failure == nil && victim.session.openStreams == 0)
        for holding in held { victim.session.settle(holding) }
        victim.feed(MuxWire.open(18))
        #expect(victim.session.openStreams == 1)
    }

    @Test func reasonsAreCutBetweenCharacters() {
        var victim = MuxVictim(.acceptor)
        victim.feed(MuxWire.open(1))
        victim.session.reset(0, Failure(.cancelled, String(repeating: "é", count: 100) + "x" + String(repeating: "€", count: 100)))
        let texts = victim.written().compactMap { if case .reset(_, let why) = $0 { why.message } else { nil } }
        #expect(texts == [String(repeating: "é", count: 100) + "x" + String(repeating: "€", count: 18)])
    }

    /// Streams that are answered may be cancelled at any rate; nothing of them may stay, though nothing can be written.
    @Test(arguments: [true, false]) func answeredAndResetWithoutReading(_ isStarved: Bool) {
        var victim = MuxVictim(.acceptor, hello: MuxWire.hello(session: isStarved ? 0 : 1_000))
        for id in 1...UInt32(20_000) {
            victim.feed(MuxWire.open(id))
            guard let slot = victim.lastSlot else { return }
            let isSent = victim.session.send(ResponseHead(status: 200), on: slot)
            #expect(isSent)
            victim.session.send(ByteBuffer(string: "body"), on: slot)
            if isStarved { _ = victim.written() }
            victim.feed(MuxWire.reset(id))
        }
        #expect(victim.failure == nil && victim.session.queuedBytes == 0 && victim.session.openStreams == 0)
        #expect(victim.session.ready.count < 200 && victim.session.ready.starvedCount < 200)
    }

    @Test func honestUseOverTimeIsNotExcessive() {
        var victim = MuxVictim(.acceptor)
        for round in 1...UInt32(5_000) {
            victim.now = victim.now + .milliseconds(10)
            victim.feed(MuxWire.open(round) + MuxWire.reset(round))
            _ = victim.written()
        }
        #expect(victim.failure == nil)
    }

    @Test func silentPeer() {
        var victim = MuxVictim(.opener)
        var written: [[MuxFrame]] = []
        _ = victim.written()
        victim.tick(after: .seconds(9))
        written.append(victim.written())
        victim.tick(after: .seconds(1))
        written.append(victim.written())
        victim.feed(MuxWire.pong(2))
        victim.tick(after: .seconds(10))
        written.append(victim.written())
        #expect(written == [[], [.ping(2)], [.ping(3)]])
        victim.tick(after: .seconds(4))
        #expect(victim.failure == nil)
        victim.tick(after: .seconds(1))
        #expect(victim.failure?.code == .tunnelLost)
    }

    @Test func noHello() {
        var victim = MuxVictim(.acceptor, hello: [])
        victim.tick(after: .seconds(9))
        #expect(victim.failure == nil)
        victim.tick(after: .seconds(1))
        #expect(victim.failure?.code == .tunnelLost)
    }
}
