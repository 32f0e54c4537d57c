import NIOCore
import Pipeline
import Testing

@testable import Stages

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
        #expect(victim.failure == nil && victim.resets == 1 && victim.session.openStreams == 0)
        let isToldSo = victim.written().contains { if case .reset(1, _) = $0 { true } else { false } }
        #expect(isToldSo)
    }

    @Test func headsBeyondTheMemoryAreRefusedAndTheSessionGoesOn() {
        var victim = MuxVictim(.acceptor)
        let head = MuxWire.request([("X", String(repeating: "x", count: 3_000))])
        for id in 1...3 { victim.feed(MuxWire.open(UInt32(id), head, early: [1, 2, 3])) }
        #expect(victim.failure == nil && victim.session.openStreams == 2)
        #expect(victim.session.heldHeads <= victim.session.configuration.headMemory)
        let refused = victim.written().contains { if case .reset(3, let why) = $0 { why.code == .refused } else { false } }
        #expect(refused)
        victim.feed(MuxWire.reset(1) + MuxWire.open(4, head))
        #expect(victim.failure == nil && victim.session.openStreams == 2 && victim.resets == 1)
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
        #expect(victim.session.ready.count < 200 && victim.session.starved.count < 200)
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
        victim.feed(MuxWire.pong(1))
        victim.tick(after: .seconds(10))
        written.append(victim.written())
        #expect(written == [[], [.ping(1)], [.ping(2)]])
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
