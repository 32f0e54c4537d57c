import NIOCore
import Testing

@testable import TunnelStages

/// Over which of several connections the next stream goes.
@Suite struct MuxSpreadTests {
    private struct Case: CustomTestStringConvertible {
        /// Of each connection: streams that have carried much, and all; nil for one that takes none.
        var loads: [(bulk: Int, open: Int)?]
        var chosen: Int?
        var testDescription: String { "\(loads.map { $0.map { "\($0.bulk)/\($0.open)" } ?? "-" })" }
    }

    private static let cases = [
        Case(loads: [], chosen: nil),
        Case(loads: [nil, nil], chosen: nil),
        Case(loads: [(0, 0), (0, 0)], chosen: 0),
        Case(loads: [(0, 2), (0, 1), (0, 1)], chosen: 1),
        Case(loads: [(1, 1), (0, 9)], chosen: 1),
        Case(loads: [(1, 1), (0, 9), (0, 8)], chosen: 2),
        Case(loads: [nil, (3, 3), (2, 70)], chosen: 2),
        Case(loads: [(1, 2), nil, (1, 1)], chosen: 2),
    ]

    @Test(arguments: cases) private func theNextStreamGoesTo(_ one: Case) {
        let loads = one.loads.map { $0.map { MuxSpread.Load(bulk: $0.bulk, open: $0.open) } }
        #expect(MuxSpread.choose(loads) == one.chosen)
    }

    /// A session counts its streams that have carried much, in either direction, as long as they are open.
    @Test func streamsThatHaveCarriedMuchAreCounted() throws {
        var side = MuxVictim(.opener, MuxConfiguration(), hello: MuxWire.hello(stream: 1 << 20, session: 1 << 24))
        for stream in UInt32(1)...3 {
            side.open()
            side.feed(MuxWire.head(stream))
        }
        for _ in 0..<2 { side.feed(MuxWire.data(1, 65_536 / 2)) }
        #expect(side.session.bulkStreams == 0)
        let slots = try (1...3).map { try #require(side.session.slots[$0]) }
        side.session.consume(65_536, on: slots[0], now: side.now)
        _ = side.written()
        side.feed(MuxWire.data(1, 65_536))
        side.feed(MuxWire.data(1, 16))
        #expect(side.session.bulkStreams == 1)
        for _ in 0..<4 { side.session.send(.init(repeating: 1, count: 65_536), on: slots[1]) }
        #expect(side.session.bulkStreams == 2)
        side.feed(MuxWire.reset(1))
        side.feed(MuxWire.reset(3))
        #expect(side.session.bulkStreams == 1)
        side.feed(MuxWire.reset(2))
        #expect(side.session.bulkStreams == 0 && side.failure == nil)
    }

    /// An acceptor says in HELLO what it sends by.
    @Test(arguments: [true, false]) func helloSaysWhetherTheRateIsKept(_ keepsRate: Bool) throws {
        var configuration = MuxConfiguration()
        configuration.keepsRate = keepsRate
        #expect(!configuration.settings(.opener).keepsRate)
        let settings = configuration.settings(.acceptor)
        #expect(settings.keepsRate == keepsRate)
        var out = ByteBuffer()
        MuxFrameEncoder.hello(settings, into: &out)
        out.moveReaderIndex(forwardBy: MuxFrame.headerLength)
        #expect(MuxSettings(from: out) == settings)
    }
}
