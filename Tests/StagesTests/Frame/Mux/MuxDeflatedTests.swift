import HTTPMessages
import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

/// What the protocol says of deflated bodies, to the byte: who offers them, how heads mark them, and what isn't allowed.
@Suite struct MuxDeflatedTests {
    private static let helloOfAnEndThatInflates = MuxWire.frame(
        0, 0,
        Array("FLUIDITY".utf8) + [0, 1, 0, 1, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 100] + [0, 1, 0, 1, 1])

    private static func offering() -> MuxConfiguration {
        var configuration = MuxVictim.small
        configuration.offers = .deflate
        return configuration
    }

    private func request(_ body: BodyLength, takes: Bool = true) -> RequestHead {
        var head = RequestHead(method: "PUT", scheme: .http, authority: "a.test", path: "/", body: body)
        head.takesDeflated = takes
        return head
    }

    @Test func helloSaysWhatIsTaken() {
        var configuration = MuxVictim.small
        for offers in [BodyCapabilities.deflate, []] {
            configuration.offers = offers
            var session = MuxSession(role: .opener, configuration: configuration, now: .uptimeNanoseconds(1))
            var out = ByteBuffer()
            _ = session.write(into: &out)
            let extensions = Array(out.readableBytesView.dropFirst(8 + 22))
            #expect(extensions == (offers.isEmpty ? [] : [0, 1, 0, 1, 1]) + [0, 6, 0, 0])
        }
    }

    @Test func headsToTheByte() throws {
        let known = try #require(encoded(request(.deflated(258))))
        let rest = [3] + Array("PUT".utf8) + [0, 6] + Array("a.test".utf8) + [0, 1, 0x2F, 0, 0]
        #expect(Array(known.readableBytesView) == [0x80, 1, 3, 1, 0, 0, 0, 0, 0, 0, 1, 2] + rest)
        let unknown = try #require(encoded(request(.deflated(nil), takes: false)))
        #expect(Array(unknown.readableBytesView) == [0, 1, 3, 2] + rest)
        let response = try #require(encoded(ResponseHead(status: 200, body: .deflated(nil))))
        #expect(Array(response.readableBytesView) == [0, 200, 3, 2, 0, 0, 0, 0])
        for head in [known, unknown] {
            let decoded = try #require(MuxHeadCoding.decodeRequest(head, offered: .deflate))
            #expect(decoded == request(head == known ? .deflated(258) : .deflated(nil), takes: head == known))
        }
        #expect(MuxHeadCoding.decodeResponse(response, mayBeDeflated: true)?.body == .deflated(nil))
    }

    /// Heads that are wrong for everybody, or for an end that has not offered to inflate.
    @Test func whatIsNotOfferedIsMalformed() throws {
        let marked = try #require(encoded(request(.deflated(nil))))
        #expect(MuxHeadCoding.decodeRequest(marked, offered: []) == nil)
        let flagged = try #require(encoded(request(.none)))
        #expect(MuxHeadCoding.decodeRequest(flagged, offered: []) == nil)
        #expect(MuxHeadCoding.decodeRequest(flagged, offered: .deflate)?.takesDeflated == true)
        var tunnel = RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: "a.test:1", path: "")
        #expect(MuxHeadCoding.decodeRequest(try #require(encoded(tunnel)), offered: .deflate) != nil)
        tunnel.takesDeflated = true
        #expect(MuxHeadCoding.decodeRequest(try #require(encoded(tunnel)), offered: .deflate) == nil)
        var upgrade = request(.deflated(nil), takes: false)
        upgrade.kind = .upgrade
        #expect(MuxHeadCoding.decodeRequest(try #require(encoded(upgrade)), offered: .deflate) == nil)
        for wrong in [[3], [3, 0], [3, 3], [3, 1, 0], [3, 1, 0x80, 0, 0, 0, 0, 0, 0, 0], [4]] as [[UInt8]] {
            let bytes = [0, 1] + wrong + [3] + Array("PUT".utf8) + [0, 6] + Array("a.test".utf8) + [0, 1, 0x2F, 0, 0]
            #expect(MuxHeadCoding.decodeRequest(ByteBuffer(bytes: bytes), offered: .deflate) == nil, "\(wrong)")
        }
        let response = try #require(encoded(ResponseHead(status: 200, body: .deflated(nil))))
        #expect(MuxHeadCoding.decodeResponse(response, mayBeDeflated: false) == nil)
        let early = try #require(encoded(ResponseHead(status: 103, body: .deflated(nil))))
        #expect(MuxHeadCoding.decodeResponse(early, mayBeDeflated: true) == nil)
    }

    @Test func nothingDeflatedGoesToAnEndThatDoesNotTakeIt() {
        for takes in [true, false] {
            var victim = MuxVictim(.opener, hello: takes ? Self.helloOfAnEndThatInflates : MuxWire.hello())
            let deflated = victim.session.open(request(.deflated(5)), now: victim.now)
            let plain = victim.session.open(request(.none), now: victim.now)
            #expect((deflated != nil) == takes && plain != nil)
            let kinds = victim.written().compactMap { frame -> UInt8? in
                guard case .open(_, let payload, _) = frame else { return nil }
                return payload.getInteger(at: payload.readerIndex + 4)
            }
            #expect(kinds == (takes ? [0x80, 0x80] : [0]), "the flag is left out where it isn't understood")
        }
    }

    @Test func aResponseThatWasNotAskedForDeflatedEndsTheSession() {
        for asks in [true, false] {
            var victim = MuxVictim(.opener, hello: Self.helloOfAnEndThatInflates)
            _ = victim.session.open(request(.none, takes: asks), now: victim.now)
            _ = victim.written()
            victim.feed(MuxWire.head(1, [0, 200, 3, 2, 0, 0, 0, 0]))
            #expect(victim.failure?.code == (asks ? nil : .protocolViolation))
        }
    }

    @Test func aMarkedRequestToAnEndThatDoesNotTakeItEndsTheSession() throws {
        let head = Array(try #require(encoded(request(.deflated(nil)))).readableBytesView)
        var plain = MuxVictim(.acceptor)
        plain.feed(MuxWire.open(1, head))
        #expect(plain.failure?.code == .protocolViolation)
        var inflating = MuxVictim(.acceptor, Self.offering())
        inflating.feed(MuxWire.open(1, head))
        #expect(inflating.failure == nil && inflating.lastSlot != nil)
    }
}

private func encoded(_ head: RequestHead) -> ByteBuffer? {
    var out = ByteBuffer()
    return MuxHeadCoding.encode(head, into: &out) ? out : nil
}

private func encoded(_ head: ResponseHead) -> ByteBuffer? {
    var out = ByteBuffer()
    return MuxHeadCoding.encode(head, into: &out) ? out : nil
}
