import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

/// Windows grow where the way is long and what comes is passed on, and nowhere else.
@Suite struct MuxGrowthTests {
    private static let window = 16 << 10

    /// An opener whose peer is so far away, and which has so many streams that are being answered.
    private func opener(
        _ roundTrip: TimeAmount?, streams: Int = 1, memory: Int = 1 << 20, window: Int = Self.window
    ) -> MuxVictim {
        var configuration = MuxConfiguration()
        configuration.memory = memory
        configuration.streamWindow = window
        configuration.maxStreams = 64
        var side = MuxVictim(.opener, configuration)
        for case .ping(let token) in side.written() {
            guard let roundTrip else { break }
            side.now = side.now + roundTrip
            side.feed(MuxWire.pong(token))
        }
        for stream in 1...streams {
            side.open()
            side.feed(MuxWire.head(UInt32(stream)))
        }
        return side
    }

    /// The peer sends half of what the window has left, and it is passed on after a time. What is granted for it.
    private func pass(_ side: inout MuxVictim, _ stream: UInt32 = 1, after time: TimeAmount) -> Int? {
        guard let slot = side.session.slots[stream] else { return nil }
        let count = (side.session.streams[slot].receiving.size + 1) / 2
        for sent in stride(from: 0, to: count, by: MuxLimits.dataPayload) {
            side.feed(MuxWire.data(stream, min(count - sent, MuxLimits.dataPayload)))
        }
        side.now = side.now + time
        side.session.consume(count, on: slot, now: side.now)
        for case .window(stream, let increment) in side.written() { return Int(increment) - count }
        return nil
    }

    @Test func doublesWhileHalfOfItIsUsedUpInFourRoundTrips() throws {
        var side = opener(.milliseconds(80))
        #expect(pass(&side, after: .milliseconds(320)) == Self.window)
        #expect(pass(&side, after: .milliseconds(1)) == 2 * Self.window)
        #expect(pass(&side, after: .milliseconds(321)) == 0)
        #expect(pass(&side, after: .milliseconds(320)) == 4 * Self.window)
        #expect(side.failure == nil)
    }

    @Test func staysWhereTheWayIsUnknown() {
        var side = opener(nil)
        for _ in 0..<10 { #expect(pass(&side, after: .nanoseconds(1)) == 0) }
    }

    @Test func staysWhereTheWayIsShortAndOthersNeedCreditToo() {
        var side = opener(.microseconds(999), streams: 2)
        for round in 0..<20 { #expect(pass(&side, UInt32(round % 2 + 1), after: .nanoseconds(1)) == 0) }
    }

    /// Alone, a stream's window grows on a short way as well; what it has is taken back when another needs credit.
    @Test func growsWhileItIsAlone() throws {
        var side = opener(.microseconds(100), streams: 2)
        for _ in 0..<3 { #expect(pass(&side, after: .zero) == 0) }
        #expect(pass(&side, after: .microseconds(501)) == 0)
        #expect(pass(&side, after: .microseconds(500)) == Self.window)
        #expect(pass(&side, after: .microseconds(500)) == 2 * Self.window)
        // Half of the session's window is what there is.
        #expect(pass(&side, after: .zero) == 4 * Self.window)
        #expect(pass(&side, after: .zero) == Self.window)
        #expect(pass(&side, after: .zero) == 0)
        #expect(side.session.growth.bytes == 8 * Self.window)

        #expect(pass(&side, 2, after: .zero) == 0)
        // Half of what was passed on, which is half of the window: the stream goes on meanwhile.
        #expect(pass(&side, after: .zero) == -Self.window / 4 * 9)
        #expect(pass(&side, 2, after: .zero) == 0)
        let slot = try #require(side.session.slots[1])
        for _ in 0..<10 where side.session.streams[slot].receiving.size > Self.window {
            #expect(try #require(pass(&side, after: .zero)) < 0)
            #expect(pass(&side, 2, after: .zero) == 0)
        }
        #expect(side.session.streams[slot].receiving.size == Self.window)
        #expect(side.session.growth.bytes == 0)
        #expect(pass(&side, after: .zero) == 0)
        #expect(side.session.streams[slot].receiving.room == Self.window)
        #expect(side.failure == nil)
    }

    /// Queues make a round trip longer, and must not make windows grow.
    @Test func theShortestRoundTripCounts() throws {
        var side = opener(.milliseconds(2))
        side.tick(after: .seconds(10))
        let token = try #require(
            side.written().compactMap { frame -> UInt64? in if case .ping(let token) = frame { token } else { nil } }.first)
        side.now = side.now + .milliseconds(900)
        side.feed(MuxWire.pong(token))
        #expect(pass(&side, after: .milliseconds(9)) == 0)
        #expect(pass(&side, after: .milliseconds(8)) == Self.window)
    }

    /// The peer may use all of a grown window, and not a byte more.
    @Test func whatWasGrantedHolds() throws {
        var side = opener(.milliseconds(80))
        #expect(pass(&side, after: .zero) == Self.window)
        side.feed(MuxWire.data(1, 2 * Self.window))
        #expect(side.failure == nil)
        side.feed(MuxWire.data(1, 1))
        #expect(side.failure?.code == .flowControl)
    }

    /// A stream that uses up what its way was worth before gets all of that at once.
    @Test func whatTheWayWasWorthIsRemembered() throws {
        var side = opener(.milliseconds(80), streams: 2)
        for _ in 0..<3 { _ = pass(&side, after: .zero) }
        let first = try #require(side.session.slots[1])
        #expect(side.session.streams[first].receiving.size == 8 * Self.window)
        side.feed(MuxWire.reset(1))
        #expect(pass(&side, 2, after: .milliseconds(320)) == 7 * Self.window)
    }

    /// Where the peer is far, a large window's credit comes in eighths.
    @Test func creditComesInSmallPartsWhereThePeerIsFar() throws {
        for (roundTrip, isFar) in [(TimeAmount.milliseconds(80), true), (.microseconds(100), false)] {
            var side = opener(roundTrip)
            for _ in 0..<8 { _ = pass(&side, after: .zero) }
            let slot = try #require(side.session.slots[1])
            let window = side.session.streams[slot].receiving.size
            #expect(window >= 4 * Self.window)
            side.feed(MuxWire.data(1, window / 8))
            side.session.consume(window / 8, on: slot, now: side.now)
            #expect(side.written().contains { if case .window(1, _) = $0 { true } else { false } } == isFar)
        }
    }

    /// Who fetches something small isn't to be granted more for it.
    @Test func aSmallWindowsCreditComesInHalves() throws {
        var side = opener(.milliseconds(80))
        let slot = try #require(side.session.slots[1])
        for (count, isGranted) in [(Self.window / 2 - 1, false), (1, true)] {
            side.feed(MuxWire.data(1, count))
            side.session.consume(count, on: slot, now: side.now)
            #expect(side.written().contains { if case .window(1, _) = $0 { true } else { false } } == isGranted)
        }
    }

    /// The largest window that can be configured, at a peer that takes an hour to answer a PING.
    @Test func theLargestWindowsGrowOnTheLongestWay() throws {
        let window = 64 << 20
        var side = opener(.hours(1), memory: 1 << 30, window: window)
        #expect(pass(&side, after: .hours(1)) == window)
        #expect(pass(&side, after: .hours(1)) == window)
        #expect(pass(&side, after: .hours(10)) == 0)
        #expect(side.failure == nil)
    }

    /// All streams together grow by half of the session's window, and what one had is another's when it is over.
    @Test func growthIsBoundedAndComesBack() throws {
        var side = opener(.milliseconds(80), streams: 32)
        let limit = side.session.configuration.sessionWindow / 2
        for round in 0..<320 { _ = pass(&side, UInt32(round % 32 + 1), after: .zero) }
        #expect(side.session.growth.bytes <= limit && side.session.growth.bytes > limit / 4 * 3)
        #expect(side.session.streams.map { max(0, $0.receiving.size - Self.window) }.reduce(0, +) == side.session.growth.bytes)
        for stream in 1...31 { side.feed(MuxWire.reset(UInt32(stream))) }
        let slot = try #require(side.session.slots[32])
        #expect(side.session.growth.bytes == side.session.streams[slot].receiving.size - Self.window)
        for _ in 0..<10 { _ = pass(&side, 32, after: .zero) }
        #expect(side.session.growth.bytes == limit)
        side.feed(MuxWire.reset(32))
        #expect(side.session.growth.bytes == 0)
        #expect(side.failure == nil)
    }

    /// Who comes later gets as much as who was first.
    @Test func streamsShareWhatThereIsToGrowBy() throws {
        var side = opener(.milliseconds(80), streams: 2)
        let share = side.session.configuration.sessionWindow / 4 + Self.window
        for _ in 0..<10 { _ = pass(&side, 1, after: .zero) }
        for round in 0..<40 { _ = pass(&side, UInt32(round % 2 + 1), after: .zero) }
        for stream in UInt32(1)...2 {
            let slot = try #require(side.session.slots[stream])
            #expect(side.session.streams[slot].receiving.size == share)
        }
        #expect(side.failure == nil)
    }

    /// A stream that has been silent leaves its share, though it may still use what it was granted; then it has to share again.
    @Test func whoIsSilentLeavesItsShareToOthers() throws {
        var side = opener(.milliseconds(80), streams: 2)
        let limit = side.session.configuration.sessionWindow / 2
        for _ in 0..<10 { _ = pass(&side, 1, after: .zero) }
        side.now = side.now + .seconds(4)
        _ = pass(&side, 2, after: .zero)
        #expect(side.session.growth.streams == 2)
        side.now = side.now + .seconds(1)
        for _ in 0..<10 { _ = pass(&side, 2, after: .zero) }
        let second = try #require(side.session.slots[2])
        #expect(side.session.growth.streams == 1)
        #expect(side.session.streams[second].receiving.size == limit + Self.window)
        side.feed(MuxWire.data(1, 2 * Self.window))
        #expect(side.failure == nil)
        side.session.consume(2 * Self.window, on: try #require(side.session.slots[1]), now: side.now)
        for round in 0..<40 { _ = pass(&side, UInt32(round % 2 + 1), after: .zero) }
        #expect(side.session.growth.streams == 2 && side.session.growth.bytes <= limit)
        for stream in UInt32(1)...2 { side.feed(MuxWire.reset(stream)) }
        #expect(side.session.growth.streams == 0 && side.session.growth.bytes == 0)
        #expect(side.failure == nil)
    }
}
