import NIOCore
import Pipeline
import Testing

@testable import Stages

/// Streams that nobody reads stop nobody else.
@Suite struct MuxCrowdingTests {
    private static let window = 16 << 10

    private static var configuration: MuxConfiguration {
        var configuration = MuxConfiguration()
        configuration.memory = 1 << 20
        configuration.streamWindow = window
        configuration.maxStreams = 64
        return configuration
    }

    /// An opener with so many streams that are being answered.
    private func opener(streams: Int) -> MuxVictim {
        var side = MuxVictim(.opener, Self.configuration)
        for stream in 1...streams {
            side.open()
            side.feed(MuxWire.head(UInt32(stream)))
        }
        return side
    }

    /// An acceptor whose peer grants each of so many streams 16 KiB and the session as much as it likes.
    private func acceptor(streams: Int) -> MuxVictim {
        var side = MuxVictim(.acceptor, Self.configuration, hello: MuxWire.hello(stream: UInt32(Self.window), session: 1 << 30))
        for stream in 1...streams {
            side.feed(MuxWire.open(UInt32(stream), end: true))
            if let slot = side.lastSlot { _ = side.session.send(ResponseHead(status: 200), on: slot) }
        }
        _ = side.written()
        return side
    }

    /// All but one window's worth of the session is held by streams that aren't read: the last stream still gets credit from
    /// the session for all that is passed on.
    @Test func theSessionsWindowComesBackBesideStreamsThatAreNotRead() throws {
        let stalled = Self.configuration.sessionWindow / Self.window - 1
        var side = opener(streams: stalled + 1)
        for stream in 1...stalled { side.feed(MuxWire.data(UInt32(stream), Self.window)) }
        let last = UInt32(stalled + 1)
        let slot = try #require(side.session.slots[last])
        var (streamWindow, sessionWindow) = (Self.window, Self.window)
        for _ in 0..<256 {
            try #require(streamWindow >= 4_096 && sessionWindow >= 4_096, "there is no credit")
            side.feed(MuxWire.data(last, 4_096))
            (streamWindow, sessionWindow) = (streamWindow - 4_096, sessionWindow - 4_096)
            side.session.consume(4_096, on: slot, now: side.now)
            for case .window(let stream, let increment) in side.written() {
                if stream == 0 { sessionWindow += Int(increment) } else { streamWindow += Int(increment) }
            }
        }
        #expect(side.failure == nil)
    }

    /// What was passed on before the others stopped reading isn't kept back for want of more of it.
    @Test func theSessionsWindowComesBackWhenOthersStopReading() throws {
        let stalled = Self.configuration.sessionWindow / Self.window / 2 + 1
        var side = opener(streams: stalled + 1)
        let slot = try #require(side.session.slots[1])
        var granted = 0
        func grants(_ side: inout MuxVictim) -> Int {
            side.written().reduce(0) { if case .window(0, let increment) = $1 { $0 + Int(increment) } else { $0 } }
        }
        let passedOn = Self.configuration.sessionWindow / 2 - Self.window
        for _ in 0..<(passedOn / 4_096) {
            side.feed(MuxWire.data(1, 4_096))
            side.session.consume(4_096, on: slot, now: side.now)
            granted += grants(&side)
        }
        #expect(granted == 0, "half of the session's window is free")
        for stream in 2...stalled { side.feed(MuxWire.data(UInt32(stream), Self.window)) }
        #expect(grants(&side) == passedOn)
        #expect(side.failure == nil)
    }

    /// What waits for the windows of other streams leaves room for a stream that has one.
    @Test func aSenderWithAWindowGoesOnBesideThoseWithout() throws {
        var side = acceptor(streams: 33)
        let part = ByteBuffer(repeating: 0x78, count: 4_096)
        for stream in UInt32(1)...32 {
            let slot = try #require(side.session.slots[stream])
            while side.session.acceptsData(from: slot) {
                side.session.send(part, on: slot)
                _ = side.written()
            }
            let waitsForRoom = side.session.park(slot)
            #expect(!waitsForRoom, "a stream without a window waits for that")
        }
        let slot = try #require(side.session.slots[33])
        for _ in 0..<64 {
            try #require(side.session.acceptsData(from: slot))
            side.session.send(part, on: slot)
            let frames = side.written()
            #expect(frames.count == 1)
            side.feed(MuxWire.window(33, 4_096))
        }
    }

    /// A stream that had to wait for its window hears of it.
    @Test func aWindowIsToldToWhoeverWaitsForIt() throws {
        var side = acceptor(streams: 1)
        let slot = try #require(side.session.slots[1])
        while side.session.acceptsData(from: slot) { side.session.send(ByteBuffer(repeating: 0x78, count: 4_096), on: slot) }
        _ = side.written()
        _ = side.session.park(slot)
        var told: [Int] = []
        for _ in 0..<8 {
            let event = side.session.receive(.window(stream: 1, increment: 4_096), now: side.now)
            if case .windowed(let slot) = event { told.append(slot) }
        }
        #expect(told == [slot])
        #expect(side.session.acceptsData(from: slot))
    }

    /// Said once, whether a stream has used up its window or waits because too little is left; and not of one that goes on waiting.
    @Test func theEndOfAWindowIsTold() throws {
        var side = acceptor(streams: 2)
        let (full, short) = (try #require(side.session.slots[1]), try #require(side.session.slots[2]))
        var told: [Bool] = []
        side.session.send(ByteBuffer(repeating: 0x78, count: Self.window - 1), on: full)
        _ = side.written()
        told.append(side.session.takeHeldBack())
        side.session.send(ByteBuffer(repeating: 0x78, count: 2), on: full)
        _ = side.written()
        told.append(side.session.takeHeldBack())
        side.session.send(ByteBuffer(repeating: 0x78, count: Self.window - 1), on: short)
        _ = side.written()
        told.append(side.session.takeHeldBack())
        _ = side.session.park(short)
        told.append(side.session.takeHeldBack())
        told.append(side.session.takeHeldBack())
        #expect(told == [false, true, false, true, false])
    }

    /// A grown window is given back a part at a time, until it is as it began, and grows again when there is room.
    @Test func grownWindowsShrinkWhileThereIsNoRoom() throws {
        var side = MuxVictim(.opener, Self.configuration)
        for case .ping(let token) in side.written() {
            side.now = side.now + .milliseconds(80)
            side.feed(MuxWire.pong(token))
        }
        for stream in 1...9 {
            side.open()
            side.feed(MuxWire.head(UInt32(stream)))
        }
        let slot = try #require(side.session.slots[1])
        func pass(_ side: inout MuxVictim) {
            let count = side.session.streams[slot].window / 2
            side.feed(MuxWire.data(1, count))
            side.session.consume(count, on: slot, now: side.now)
            _ = side.written()
        }
        pass(&side)
        #expect(side.session.streams[slot].window == 2 * Self.window)
        for stream in 2...9 { side.feed(MuxWire.data(UInt32(stream), Self.window)) }
        pass(&side)
        #expect(side.session.streams[slot].window < 2 * Self.window)
        for _ in 0..<20 where side.session.growth.bytes > 0 { pass(&side) }
        #expect(side.session.streams[slot].window == Self.window && side.session.growth.bytes == 0)
        #expect(side.session.streams[slot].receiveWindow == Self.window)
        for stream in 2...9 { side.feed(MuxWire.reset(UInt32(stream))) }
        pass(&side)
        #expect(side.session.streams[slot].window == 2 * Self.window)
        #expect(side.failure == nil)
    }

    /// Without room for ten seconds: of those that nobody reads the one that holds most is ended, then the next, and none that is
    /// read.
    @Test func whoIsNotReadGoesWhenTheRoomIsUsedUp() throws {
        let count = Self.configuration.sessionWindow / Self.window
        var side = opener(streams: count)
        for stream in 1...count { side.feed(MuxWire.data(UInt32(stream), stream == 3 ? Self.window : Self.window - 256)) }
        let moving = try #require(side.session.slots[5])
        let largest = try #require(side.session.slots[3])
        side.tick(after: .seconds(9))
        side.feed(MuxWire.ping(1))
        side.session.consume(512, on: moving, now: side.now)
        #expect(side.resets.isEmpty && side.failure == nil)
        side.tick(after: .seconds(1))
        #expect(side.resets == [.crowded])
        #expect(side.session.streams[largest].id == 0, "the one that held most")
        let frames = side.written()
        #expect(frames.contains { if case .reset(3, let failure) = $0 { failure.code == .excessive } else { false } })
        side.tick(after: .seconds(1))
        #expect(side.resets == [.crowded, .crowded])
        for _ in 0..<100 {
            side.feed(MuxWire.ping(1))
            side.tick(after: .milliseconds(100))
        }
        #expect(!side.session.isCrowded && side.session.streams[moving].id == 5)
        #expect(side.session.openStreams >= count - 4, "no more than needed")
    }

    /// Streams that wait for a moment only, and streams that are slow, stay.
    @Test func roomThatComesBackEndsNobody() throws {
        let count = Self.configuration.sessionWindow / Self.window
        var side = opener(streams: count)
        for stream in 1...count { side.feed(MuxWire.data(UInt32(stream), Self.window)) }
        for round in 0..<40 {
            side.feed(MuxWire.ping(UInt64(round)))
            for slot in side.session.slots.values { side.session.consume(16, on: slot, now: side.now) }
            side.tick(after: .seconds(1))
        }
        #expect(side.resets.isEmpty && side.failure == nil)
    }
}
