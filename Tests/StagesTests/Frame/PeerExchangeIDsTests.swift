import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Whose ids are taken over.
@Suite struct PeerExchangeIDsTests {
    private static func peer(_ key: String?) -> Inbound {
        let inbound = Inbound(channel: EmbeddedChannel(), remote: "test")
        inbound.identity = key.map {
            PeerIdentity(subject: "CN=\($0)", commonName: $0, dnsNames: [], uris: [], publicKeyHash: $0)
        }
        return inbound
    }

    @Test func `Of a peer with a certificate, and of no other`() {
        let makers = ExchangeIDMakers()
        #expect(PeerExchangeIDs(Self.peer("a"), makers: makers).id(0x1_0000_0002)?.rawValue == 0x1_0000_0002)
        #expect(PeerExchangeIDs(Self.peer(nil), makers: makers).id(0x1_0000_0002) == nil)
        #expect(PeerExchangeIDs(Self.peer("a"), makers: makers).id(nil) == nil)
    }

    @Test func `No peer's ids count for another while it has a session`() {
        let makers = ExchangeIDMakers()
        var first: PeerExchangeIDs? = PeerExchangeIDs(Self.peer("a"), makers: makers)
        var second: PeerExchangeIDs? = PeerExchangeIDs(Self.peer("a"), makers: makers)
        let other = PeerExchangeIDs(Self.peer("b"), makers: makers)
        #expect(first?.id(0x7_0000_0001) != nil && second?.id(0x7_0000_0002) != nil)
        #expect(other.id(0x7_0000_0003) == nil, "an id of another's maker")
        #expect(other.id(0x8_0000_0003) != nil)
        first = nil
        #expect(other.id(0x7_0000_0003) == nil, "the other's second session is still there")
        second = nil
        #expect(other.id(0x7_0000_0003) != nil)
    }

    @Test func `A session has so many makers and no more`() {
        let ids = PeerExchangeIDs(Self.peer("a"), makers: ExchangeIDMakers())
        for maker in 0..<UInt64(PeerExchangeIDs.makerLimit) { #expect(ids.id(maker << 32 | 1) != nil) }
        #expect(ids.id(UInt64(PeerExchangeIDs.makerLimit) << 32 | 1) == nil)
        #expect(ids.id(3 << 32 | 2) != nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("1f", 0x1F), ("FFFFFFFFFFFFFFFF", UInt64.max), ("", nil), ("+1", nil), ("g", nil), ("1 ", nil),
            ("11111111111111111", nil),
        ] as [(String, UInt64?)])
    func `Digits`(_ text: String, _ expected: UInt64?) { #expect(ExchangeID(digits: text)?.rawValue == expected) }
}
