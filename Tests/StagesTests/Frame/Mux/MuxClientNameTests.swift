import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// What the protocol says of whose connection a request belongs to, to the byte.
@Suite struct MuxClientNameTests {
    private static let helloOfAnEndThatTakesNames = MuxWire.frame(
        0, 0, Array("FLUIDITY".utf8) + [0, 1, 0, 1, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 100] + [0, 2, 0, 0])
    private static let head = RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/")
    private static let rest: [UInt8] = [0, 3] + Array("GET".utf8) + [0, 6] + Array("a.test".utf8) + [0, 1, 0x2F, 0, 0]

    @Test func `HELLO says that names are taken`() {
        for role in [MuxSession.Role.acceptor, .opener] {
            var session = MuxSession(role: role, configuration: MuxVictim.small, now: .uptimeNanoseconds(1))
            var out = ByteBuffer()
            _ = session.write(into: &out)
            #expect(
                Array(out.readableBytesView.dropFirst(8 + 22)) == (role == .acceptor ? [0, 2, 0, 0, 0, 6, 0, 0] : [0, 6, 0, 0]))
        }
    }

    @Test func `A head with a name, and without`() throws {
        for name in [nil, 0, 0x0102_0304_0506_0708, UInt64.max] as [UInt64?] {
            var out = ByteBuffer()
            #expect(MuxHeadCoding.encode(Self.head, client: name, into: &out))
            let bytes =
                name.map { name in [0x40, 1] + (0..<8).map { UInt8(truncatingIfNeeded: name >> (56 - $0 * 8)) } } ?? [0, 1]
            #expect(Array(out.readableBytesView) == bytes + Self.rest)
            let decoded = try #require(MuxHeadCoding.decodeRequest(out, offered: [], takesNames: true))
            #expect(decoded.connectionName == name && decoded.path == "/")
            #expect((MuxHeadCoding.decodeRequest(out, offered: []) == nil) == (name != nil), "only who has asked for it gets one")
        }
        let short = ByteBuffer(bytes: [0x40, 1, 2, 3])
        #expect(MuxHeadCoding.decodeRequest(short, offered: [], takesNames: true) == nil)
    }

    @Test func `No name goes to an end that takes none`() {
        for takes in [true, false] {
            var victim = MuxVictim(.opener, hello: takes ? Self.helloOfAnEndThatTakesNames : MuxWire.hello())
            #expect(victim.session.open(Self.head, client: 5, now: .uptimeNanoseconds(1)) != nil)
            #expect(victim.session.open(Self.head, now: .uptimeNanoseconds(1)) != nil)
            let kinds = victim.written().compactMap { frame -> UInt8? in
                guard case .open(_, let payload, _) = frame else { return nil }
                return payload.getInteger(at: payload.readerIndex + 4)
            }
            #expect(kinds == (takes ? [0x40, 0] : [0, 0]))
        }
    }

    @Test func `Connections have names of their own, through several tunnels too`() {
        let direct = (0..<3).map { _ in Inbound(channel: EmbeddedChannel(), remote: "test") }
        let connections =
            direct.map { ClientConnection($0) }
            + direct.flatMap { carrier in
                [0, 1, 2].map { ClientConnection(carrier, client: $0) }
            }
        #expect(Set(connections).count == 12)
        #expect(Set(connections.map(\.name)).count == 12)
        #expect(ClientConnection(direct[0]) == ClientConnection(direct[0]))
        #expect(ClientConnection(direct[0], client: 1) == ClientConnection(direct[0], client: 1))
    }
}
