import HTTPMessages
import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

/// What the protocol says of an exchange's id and of reasons, to the byte.
@Suite struct MuxCorrelationTests {
    private static let helloOfAnEndThatCorrelates = MuxWire.frame(
        0, 0, Array("FLUIDITY".utf8) + [0, 1, 0, 1, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 100] + [0, 6, 0, 0])
    private static let head = RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/")
    private static let rest: [UInt8] = [0, 3] + Array("GET".utf8) + [0, 6] + Array("a.test".utf8) + [0, 1, 0x2F, 0, 0]
    private static let failure = Failure(.nameNotResolved, "no such name")

    @Test func `A head with an id, behind the client's name if it has one`() throws {
        let id: UInt64 = 0x0102_0304_0506_0708
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        for client in [nil, 0xFF] as [UInt64?] {
            var out = ByteBuffer()
            #expect(MuxHeadCoding.encode(Self.head, client: client, exchange: id, into: &out))
            let name: [UInt8] = client == nil ? [] : [0, 0, 0, 0, 0, 0, 0, 0xFF]
            #expect(Array(out.readableBytesView) == [client == nil ? 0x20 : 0x60, 1] + name + bytes + Self.rest)
            let decoded = try #require(MuxHeadCoding.decodeRequest(out, offered: [], takesNames: true))
            #expect(decoded.exchangeName == id && decoded.connectionName == client && decoded.kind == .plain)
            #expect(MuxHeadCoding.decodeRequest(out, offered: []) == nil, "only who has asked for it gets one")
        }
        #expect(MuxHeadCoding.decodeRequest(ByteBuffer(bytes: [0x20, 1, 2, 3]), offered: [], takesNames: true) == nil)
    }

    @Test func `No id goes to an end that takes none`() {
        for takes in [true, false] {
            var victim = MuxVictim(.opener, hello: takes ? Self.helloOfAnEndThatCorrelates : MuxWire.hello())
            #expect(victim.session.open(Self.head, exchange: 5, now: .uptimeNanoseconds(1)) != nil)
            let kinds = victim.written().compactMap { frame -> UInt8? in
                guard case .open(_, let payload, _) = frame else { return nil }
                return payload.getInteger(at: payload.readerIndex + 4)
            }
            #expect(kinds == (takes ? [0x20] : [0]))
        }
    }

    @Test func `A reason goes in front of the head, once, to an end that takes it`() throws {
        for takes in [true, false] {
            var victim = MuxVictim(.acceptor, hello: takes ? Self.helloOfAnEndThatCorrelates : MuxWire.hello())
            victim.feed(MuxWire.open(1))
            let slot = try #require(victim.lastSlot)
            victim.session.explain(Self.failure, on: slot)
            victim.session.explain(Self.failure, on: slot)
            let isSent = victim.session.send(ResponseHead(status: 502), on: slot)
            #expect(isSent)
            victim.session.explain(Self.failure, on: slot)
            let kinds = victim.written().compactMap { frame -> String? in
                switch frame {
                case .reason(1, Self.failure): "reason"
                case .head(1, _): "head"
                default: nil
                }
            }
            #expect(kinds == (takes ? ["reason", "head"] : ["head"]))
        }
    }

    @Test func `A reason on the wire`() throws {
        var decoder = MuxFrameDecoder()
        decoder.append(ByteBuffer(bytes: MuxWire.frame(12, 7, [0, 16] + Array("no such name".utf8))))
        #expect(try decoder.next() == .reason(stream: 7, Self.failure))
        for (stream, payload) in [(0, [0, 16]), (7, [0]), (7, [0, 16] + [UInt8](repeating: 0x61, count: 257))]
            as [(UInt32, [UInt8])]
        {
            var decoder = MuxFrameDecoder()
            decoder.append(ByteBuffer(bytes: MuxWire.frame(12, stream, payload)))
            #expect(throws: Failure.self) { try decoder.next() }
        }
    }

    @Test func `A reason that comes`() throws {
        func opener() throws -> (MuxVictim, Int) {
            var victim = MuxVictim(.opener, hello: Self.helloOfAnEndThatCorrelates)
            let opened = victim.session.open(Self.head, now: .uptimeNanoseconds(1))
            let slot = try #require(opened)
            _ = victim.written()
            return (victim, slot)
        }
        func receive(_ victim: inout MuxVictim, _ frame: MuxFrame) -> MuxEvent {
            victim.session.receive(frame, now: .uptimeNanoseconds(2))
        }
        let (first, slot) = try opener()
        var victim = first
        guard case .reason(slot, Self.failure) = receive(&victim, .reason(stream: 1, Self.failure)) else {
            return #expect(Bool(false), "the reason isn't handed on")
        }
        guard case .failed(let second) = receive(&victim, .reason(stream: 1, Self.failure)) else {
            return #expect(Bool(false), "a second one is taken")
        }
        #expect(second.code == .protocolViolation)
        victim = try opener().0
        var payload = ByteBuffer()
        #expect(MuxHeadCoding.encode(ResponseHead(status: 200), into: &payload))
        _ = receive(&victim, .head(stream: 1, payload: payload))
        guard case .failed = receive(&victim, .reason(stream: 1, Self.failure)) else {
            return #expect(Bool(false), "one behind the head is taken")
        }
        victim = try opener().0
        guard case .failed = receive(&victim, .reason(stream: 9, Self.failure)) else {
            return #expect(Bool(false), "one of a stream that never was is taken")
        }
        var acceptor = MuxVictim(.acceptor, hello: Self.helloOfAnEndThatCorrelates)
        acceptor.feed(MuxWire.open(1))
        guard case .failed = acceptor.session.receive(.reason(stream: 1, Self.failure), now: .uptimeNanoseconds(2)) else {
            return #expect(Bool(false), "an acceptor takes one")
        }
    }
}
