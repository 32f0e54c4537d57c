import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

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
            #expect(waitsForRoom == nil, "a stream without a window waits for that")
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
        told.append(side.session.sending.takeHeldBack())
        side.session.send(ByteBuffer(repeating: 0x78, count: 2), on: full)
        _ = side.written()
        told.append(side.session.sending.takeHeldBack())
        side.session.send(ByteBuffer(repeating: 0x78, count: Self.window - 1), on: short)
        _ = side.written()
        told.append(side.session.sending.takeHeldBack())
        _ = side.session.park(short)
        told.append(side.session.sending.takeHeldBack())
        told.append(side.session.sending.takeHeldBack())
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
            let count = side.session.streams[slot].receiving.size / 2
            side.feed(MuxWire.data(1, count))
            side.session.consume(count, on: slot, now: side.now)
            _ = side.written()
        }
        pass(&side)
        #expect(side.session.streams[slot].receiving.size == 2 * Self.window)
        for stream in 2...9 { side.feed(MuxWire.data(UInt32(stream), Self.window)) }
        pass(&side)
        #expect(side.session.streams[slot].receiving.size < 2 * Self.window)
        for _ in 0..<20 where side.session.growth.bytes > 0 { pass(&side) }
        #expect(side.session.streams[slot].receiving.size == Self.window && side.session.growth.bytes == 0)
        #expect(side.session.streams[slot].receiving.room == Self.window)
        for stream in 2...9 { side.feed(MuxWire.reset(UInt32(stream))) }
        pass(&side)
        #expect(side.session.streams[slot].receiving.size == 2 * Self.window)
        #expect(side.failure == nil)
    }

    /// A stream that waits for the session's room and has sent little lately gets what is left of it, and its turn first.
    @Test func whoSendsLittleGoesBeforeThoseWhoSendMuch() throws {
        var side = acceptor(streams: 3)
        let slots = try (1...3).map { try #require(side.session.slots[$0]) }
        // Its window is the peer's: as much as it likes. What is sent waits, for the session has no window.
        side.session.sending.begin(window: 0)
        for stream in UInt32(1)...3 { side.feed(MuxWire.window(stream, 1 << 20)) }
        let part = ByteBuffer(repeating: 0x78, count: 8_192)
        while side.session.acceptsData(from: slots[0]) { side.session.send(part, on: slots[0]) }
        let waits = side.session.park(slots[0])
        #expect(waits == .heavy)
        for slot in slots[1...] {
            #expect(side.session.acceptsData(from: slot))
            side.session.send(part, on: slot)
        }
        while !side.session.isFull, side.session.acceptsData(from: slots[1]) { side.session.send(part, on: slots[1]) }
        while !side.session.isFull { side.session.send(part, on: slots[0]) }
        #expect(!side.session.acceptsData(from: slots[2]), "there is an end to it")
        let lightWaits = side.session.park(slots[2])
        #expect(lightWaits == .light)
        // What was sent long ago is forgotten.
        side.session.unpark(slots[0])
        side.now = side.now + .seconds(60)
        side.feed(MuxWire.ping(1))
        let waitsLater = side.session.park(slots[0])
        #expect(waitsLater == .light)
    }

    @Test func theLightGoFirstAndTheHeavyInBetween() {
        var list = MuxParkedList()
        for slot in 0..<3 { list.append(slot, .heavy) }
        for slot in 10..<30 { list.append(slot, .light) }
        var order: [Int] = []
        while let slot = list.popFirst(hasRoom: true) { order.append(slot) }
        #expect(order == Array(10..<17) + [0] + Array(17..<24) + [1] + Array(24..<30) + [2])
        for slot in 0..<2 { list.append(slot, .heavy) }
        list.append(10, .light)
        #expect(list.popFirst(hasRoom: false) == 10)
        #expect(list.popFirst(hasRoom: false) == nil)
        #expect(!list.hasNext(hasRoom: false) && list.hasNext(hasRoom: true))
    }

    // MARK: - Those who have to go

    /// A full window of unread streams, and one more that would be read.
    private func full(others: Int = 1) -> (side: MuxVictim, count: Int) {
        let count = Self.configuration.sessionWindow / Self.window
        var side = opener(streams: count + others)
        for stream in 1...count { side.feed(MuxWire.data(UInt32(stream), Self.window)) }
        return (side, count)
    }

    /// Without room for a moment, as many go at once as it takes for a quarter of it to be free, and no more.
    @Test func asManyAsNeededGoAtOnce() throws {
        var (side, count) = full()
        side.tick(after: .milliseconds(499))
        #expect(side.crowdedOut.isEmpty)
        side.tick(after: .milliseconds(1))
        #expect(side.crowdedOut.count == count / 4)
        let frames = side.written()
        for stream in side.crowdedOut {
            #expect(frames.contains { if case .reset(stream, let failure) = $0 { failure.code == .excessive } else { false } })
        }
        for _ in 0..<100 {
            side.feed(MuxWire.ping(1))
            side.tick(after: .milliseconds(100))
        }
        #expect(!side.session.isCrowded && side.crowdedOut.count == count / 4)
        #expect(side.failure == nil)
    }

    /// What becomes free and is taken at once by more of the kind isn't waited for again.
    @Test func theNextGoWithoutDelay() throws {
        var (side, count) = full()
        side.tick(after: .milliseconds(500))
        _ = side.written()
        for stream in (count + 2)...(count + 1 + count / 4) {
            side.open()
            side.feed(MuxWire.head(UInt32(stream)))
            side.feed(MuxWire.data(UInt32(stream), Self.window))
        }
        side.tick(after: .zero)
        #expect(side.crowdedOut.count == count / 2)
        #expect(side.crowdedOut.allSatisfy { $0 <= count }, "those that have just come are given their time")
    }

    /// As long as nobody could use the room, nobody has to leave it; as soon as somebody could, they go.
    @Test func nobodyGoesForNobody() {
        var (side, count) = full(others: 0)
        for _ in 0..<100 {
            side.feed(MuxWire.ping(1))
            side.tick(after: .milliseconds(100))
        }
        #expect(side.crowdedOut.isEmpty)
        side.open()
        side.relieve()
        #expect(side.crowdedOut.count == count / 4)
    }

    /// While there is no room a silent peer is still found out.
    @Test func aSilentPeerIsGivenUpAllTheSame() {
        var (side, count) = full()
        // It is passed on at once, but for those that have to stay: nobody can be found.
        for _ in 0..<200 where side.failure == nil {
            for stream in 1...count {
                guard let slot = side.session.slots[UInt32(stream)] else { continue }
                _ = side.session.streams[slot].receiving.passOn(Self.window, now: side.now)
                _ = side.session.streams[slot].receiving.grant()
                let isTaken = side.session.streams[slot].receiving.receive(Self.window, now: side.now)
                #expect(isTaken)
            }
            side.tick(after: .milliseconds(100))
        }
        #expect(side.failure?.code == .tunnelLost)
        #expect(side.crowdedOut.isEmpty)
    }

    /// Streams whose bytes wait for a moment only stay, and so do those that have nothing.
    @Test func whoTakesItsBytesStays() throws {
        var (side, count) = full()
        for _ in 0..<40 {
            side.tick(after: .milliseconds(400))
            for stream in 1...count {
                let slot = try #require(side.session.slots[UInt32(stream)])
                side.session.consume(Self.window, on: slot, now: side.now)
                _ = side.written()
                side.feed(MuxWire.data(UInt32(stream), Self.window))
            }
        }
        #expect(side.crowdedOut.isEmpty && side.failure == nil)
    }

    /// A byte now and then is not reading.
    @Test func whoTakesADropGoes() throws {
        var (side, count) = full()
        for _ in 0..<10 {
            for slot in side.session.slots.values { side.session.consume(16, on: slot, now: side.now) }
            side.tick(after: .milliseconds(100))
        }
        #expect(side.crowdedOut.count == count / 4)
    }

    /// Bytes that are given back behind the end of their streams are nobody's any more; those that aren't may have to go.
    @Test func whatIsLeftOfStreamsThatAreOverGoesAsWell() throws {
        let count = Self.configuration.sessionWindow / Self.window
        var side = opener(streams: count + 1)
        var left: [MuxHolding] = []
        for stream in 1...count {
            let slot = try #require(side.session.slots[UInt32(stream)])
            side.session.end(nil, on: slot)
            _ = side.written()
            let event = side.session.receive(
                .data(
                    stream: UInt32(stream), bytes: ByteBuffer(repeating: 0x78, count: Self.window), end: true, isEmptyFrame: false),
                now: side.now)
            guard case .data(slot, _, true) = event else { return #expect(Bool(false), "\(event)") }
            side.session.removeIfOver(slot)
            left.append(side.session.takeHolding(slot))
        }
        side.leftovers = left.enumerated().map { MuxHolder(place: .leftover($0), party: "", bytes: $1.bytes, since: $1.since) }
        side.tick(after: .milliseconds(500))
        #expect(side.abandoned.count == count / 4)
        for index in side.abandoned { side.session.settle(left[index]) }
        side.tick(after: .milliseconds(500))
        #expect(side.abandoned.count == count / 4 && !side.session.isCrowded)
    }

    /// Of the sender's room those go that wait for their windows.
    @Test func whoWaitsForAWindowGoesAsWell() throws {
        var side = acceptor(streams: 21)
        for stream in UInt32(1)...20 {
            let slot = try #require(side.session.slots[stream])
            side.session.send(ByteBuffer(repeating: 0x78, count: Self.window + 6_000), on: slot)
        }
        _ = side.written()
        side.feed(MuxWire.window(7, 1_024))
        #expect(side.session.isCrowded)
        side.tick(after: .milliseconds(400))
        side.feed(MuxWire.window(3, 512))
        side.tick(after: .milliseconds(100))
        #expect(side.crowdedOut.count == 4)
        #expect(!side.crowdedOut.contains(3), "it has just got a window")
        #expect(!side.session.isCrowded && side.failure == nil)
    }

    // MARK: - Who goes first

    private struct Choice: CustomTestStringConvertible {
        var testDescription: String
        /// Whose, how much, and for how long.
        var holders: [(party: String, bytes: Int, age: Int64)]
        var toFree: Int
        var chosen: [Int]
    }

    private static let choices = [
        Choice(
            testDescription: "who has most goes first, and of those with as much who has had it longest",
            holders: [("a", 100, 900), ("a", 120, 700), ("a", 70, 800), ("a", 10, 999)], toFree: 200, chosen: [0, 2, 1]),
        Choice(testDescription: "no more than needed", holders: [("a", 100, 900), ("a", 100, 800)], toFree: 1, chosen: [0]),
        Choice(testDescription: "as far as there are such", holders: [("a", 100, 900)], toFree: 1_000, chosen: [0]),
        Choice(testDescription: "nobody where nothing is needed", holders: [("a", 100, 900)], toFree: 0, chosen: []),
        Choice(
            testDescription: "the client that has most, until another one has",
            holders: [("a", 50, 900), ("a", 50, 800), ("a", 50, 700), ("b", 70, 999), ("c", 10, 999)], toFree: 160,
            chosen: [0, 1, 3]),
        Choice(
            testDescription: "who has little keeps it, however old it is, while another one has more that is new",
            holders: [("a", 60, 100), ("a", 60, 100), ("b", 100, 999)], toFree: 50, chosen: []),
        Choice(
            testDescription: "what is new doesn't go, but counts",
            holders: [("a", 60, 100), ("a", 60, 600), ("b", 100, 999)], toFree: 50, chosen: [1]),
    ]

    @Test(arguments: choices) private func whoHasToGo(_ choice: Choice) {
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        let holders = choice.holders.enumerated().map { index, holder in
            MuxHolder(
                place: .leftover(index), party: holder.party, bytes: holder.bytes, since: now - .milliseconds(holder.age))
        }
        let places = MuxHolder.choose(holders, toFree: choice.toFree, since: now - .milliseconds(500))
        #expect(Set(places) == Set(choice.chosen.map { .leftover($0) }))
    }

    /// In a session: two streams of one client stay beside many of another.
    @Test func anotherClientsFewStay() {
        var (side, count) = full()
        for stream in 1...count { side.parties[UInt32(stream)] = stream <= 2 ? "few" : "many" }
        side.tick(after: .milliseconds(500))
        #expect(side.crowdedOut.count == count / 4)
        #expect(side.crowdedOut.allSatisfy { $0 > 2 })
    }
}
