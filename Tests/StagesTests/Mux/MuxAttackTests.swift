import NIOCore
import Pipeline
import Testing

@testable import Stages

/// What a hostile peer may try: each ends the session with a reason, and none takes memory or traps.
@Suite struct MuxAttackTests {
    private func fails(
        _ role: MuxSession.Role, with code: Failure.Code, after frames: [MuxFrame],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let pair = try establishedPair()
        var session = role == .acceptor ? pair.acceptor.session : pair.opener.session
        for frame in frames {
            if case .failed(let failure) = session.receive(frame, now: .uptimeNanoseconds(0)) {
                #expect(failure.code == code, sourceLocation: sourceLocation)
                return
            }
        }
        Issue.record("the session goes on", sourceLocation: sourceLocation)
    }

    private func open(_ stream: UInt32, _ head: RequestHead = .sample, end: Bool = false) throws -> MuxFrame {
        let head = try #require(MuxHeadCoding.encode(head))
        var payload = ByteBuffer(integer: UInt32(head.readableBytes))
        payload.writeImmutableBuffer(head)
        return .open(stream: stream, payload: payload, end: end)
    }

    private func data(_ stream: UInt32, _ count: Int, end: Bool = false) -> MuxFrame {
        .data(stream: stream, bytes: ByteBuffer(repeating: 0, count: count), end: end, isEmptyFrame: count == 0)
    }

    @Test func outOfState() throws {
        let settings = MuxConfiguration.small.settings
        try fails(.acceptor, with: .protocolViolation, after: [.hello(settings)])
        try fails(.opener, with: .protocolViolation, after: [open(1)])
        try fails(.acceptor, with: .protocolViolation, after: [.head(stream: 1, payload: ByteBuffer())])
        try fails(.acceptor, with: .protocolViolation, after: [open(3), open(1)])
        try fails(.acceptor, with: .protocolViolation, after: [open(1, end: true), data(1, 1)])
        try fails(.acceptor, with: .protocolViolation, after: [.reset(stream: 9, Failure(.cancelled, ""))])
        try fails(.acceptor, with: .protocolViolation, after: [.trailers(stream: 9, payload: ByteBuffer())])
        var fresh = MuxSession(role: .acceptor, configuration: .small, now: .uptimeNanoseconds(0))
        guard case .failed = fresh.receive(.ping(1), now: .uptimeNanoseconds(0)) else {
            Issue.record("a frame before HELLO is taken")
            return
        }
    }

    @Test func windows() throws {
        try fails(.acceptor, with: .flowControl, after: [open(1), data(1, 64 << 10), data(1, 1)])
        let many = try (1...9).flatMap { try [open(UInt32($0)), data(UInt32($0), 64 << 10)] }
        try fails(.acceptor, with: .flowControl, after: many)
        try fails(.acceptor, with: .flowControl, after: [.window(stream: 0, increment: 0)])
        try fails(.acceptor, with: .flowControl, after: [.window(stream: 0, increment: UInt32(Int32.max))])
        try fails(.acceptor, with: .flowControl, after: [open(1), .window(stream: 1, increment: UInt32(Int32.max))])
    }

    @Test func floods() throws {
        let many = 0..<3_000
        try fails(.acceptor, with: .excessive, after: many.map { .ping(UInt64($0)) })
        try fails(.acceptor, with: .excessive, after: [open(1)] + many.map { _ in data(1, 0) })
        try fails(.acceptor, with: .excessive, after: many.map { _ in .window(stream: 0, increment: 1) })
        try fails(.acceptor, with: .excessive, after: many.map { _ in .unknown(type: 31) })
        try fails(
            .acceptor, with: .excessive,
            after: many.flatMap { try [open(UInt32($0 + 1)), .reset(stream: UInt32($0 + 1), Failure(.cancelled, ""))] })
        try fails(.acceptor, with: .excessive, after: many.map { try open(UInt32($0 + 1)) })
    }

    /// A peer that asks and never reads is given up, however slowly it asks.
    @Test func aPeerThatDoesNotRead() throws {
        var session = try establishedPair().acceptor.session
        for second in 0..<100_000 {
            guard case .none = session.receive(.ping(1), now: .uptimeNanoseconds(UInt64(second) * 1_000_000_000)) else {
                #expect(second < 5_000)
                return
            }
        }
        Issue.record("the queue grows without bound")
    }

    @Test func largeHeadsAreRefusedOneByOne() throws {
        var session = try establishedPair().acceptor.session
        var head = RequestHead.sample
        head.fields.append("x", String(repeating: "a", count: 60_000))
        var opened = 0
        for stream in 1...30 {
            if case .opened = session.receive(try open(UInt32(stream), head), now: .uptimeNanoseconds(0)) { opened += 1 }
        }
        #expect(session.failure == nil)
        #expect(opened == (1 << 20) / 8 / 60_100)
    }

    @Test(arguments: ["Transfer-Encoding", "Content-Length", "Host", "Connection", "Upgrade", "Proxy-Authorization"])
    func fieldsOfOneHopAreRefused(_ name: String) throws {
        var head = RequestHead.sample
        head.fields.append(name, "x")
        try fails(.acceptor, with: .protocolViolation, after: [open(1, head)])
    }

    @Test(arguments: ["/a b", "/a\r\nX: y", "a", ""])
    func pathsThatWouldBreakOutAreRefused(_ path: String) throws {
        var head = RequestHead.sample
        head.path = path
        try fails(.acceptor, with: .protocolViolation, after: [open(1, head)])
    }

    @Test func aSilentPeerIsAskedAndGivenUp() throws {
        var session = try establishedPair().opener.session
        let start = session.deadline
        guard case .none = session.tick(now: start) else {
            Issue.record("given up without being asked")
            return
        }
        #expect(session.hasControl)
        #expect(session.deadline == start + .seconds(5))
        guard case .failed(let failure) = session.tick(now: session.deadline) else {
            Issue.record("not given up")
            return
        }
        #expect(failure.code == .tunnelLost)
    }
}
