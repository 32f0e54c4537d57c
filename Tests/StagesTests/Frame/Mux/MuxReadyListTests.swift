import NIOCore
import Testing

@testable import TunnelStages

/// Whose turn it is to send.
@Suite struct MuxReadyListTests {
    /// Streams that have so much to send, in slots of their numbers less one.
    private func streams(_ bytes: Int..., window: Int = 1 << 20) -> [MuxStreamState] {
        bytes.enumerated().map { index, count in
            var state = MuxStreamState()
            state.begin(id: UInt32(index + 1), sendWindow: window, receiveWindow: 0, now: .uptimeNanoseconds(1))
            if count > 0 { state.sending.append(.data(ByteBuffer(repeating: 0x78, count: count))) }
            return state
        }
    }

    private func all(_ list: inout MuxReadyList, _ streams: inout [MuxStreamState]) -> [Int] {
        var order: [Int] = []
        while let slot = list.next(&streams) { order.append(slot) }
        return order
    }

    private func listed(_ streams: inout [MuxStreamState]) -> MuxReadyList {
        var list = MuxReadyList()
        for slot in streams.indices { list.insert(slot, &streams[slot]) }
        return list
    }

    @Test func `Little goes before much, and each list in its order`() {
        var streams = streams(20_000, 100, 16_385, 16_384)
        var list = listed(&streams)
        #expect(streams.map(\.readiness) == [.bulk, .small, .bulk, .small])
        #expect(all(&list, &streams) == [1, 3, 0, 2])
        #expect(streams.allSatisfy { $0.readiness == .none })
    }

    @Test func `A large opening stands among the small, so that streams are opened in the order of their numbers`() {
        var streams = streams(0, 1)
        streams[0].sending.append(.open(ByteBuffer(repeating: 0x68, count: 60_000)))
        var list = listed(&streams)
        #expect(all(&list, &streams) == [0, 1])
    }

    @Test func `Who has much gets a turn after sixteen of those with little`() {
        var streams = streams(20_000, 1)
        var list = listed(&streams)
        var order: [Int] = []
        for _ in 0..<36 {
            guard let slot = list.next(&streams) else { break }
            order.append(slot)
            list.insert(slot, &streams[slot])
        }
        #expect(order.enumerated().filter { $0.element == 0 }.map(\.offset) == [16, 33])
    }

    @Test func `A stream stands in one list once`() {
        var streams = streams(100)
        var list = listed(&streams)
        list.insert(0, &streams[0])
        #expect(list.count == 1)
    }

    @Test func `Without a window a stream waits for its own, and comes back with it`() {
        var streams = streams(100, window: 0)
        var list = listed(&streams)
        #expect(streams[0].readiness == .blocked && list.count == 0)
        _ = streams[0].sending.widen(by: 1, now: .uptimeNanoseconds(2))
        list.insert(0, &streams[0])
        #expect(all(&list, &streams) == [0])
        list.block(&streams[0])
        #expect(streams[0].readiness == .blocked)
        list.insert(0, &streams[0])
        #expect(all(&list, &streams) == [0])
    }

    @Test func `Who waits for the session's window isn't listed again before it is there, and keeps its place`() {
        var streams = streams(100, 200)
        var list = listed(&streams)
        while let slot = list.next(&streams) { list.starve(slot, &streams[slot]) }
        list.insert(1, &streams[1])
        #expect(list.count == 0 && list.starvedCount == 2)
        list.feed(&streams)
        #expect(list.starvedCount == 0)
        #expect(all(&list, &streams) == [0, 1])
    }

    @Test func `The entry of a stream that is over has no turn, whoever has its place`() {
        var streams = streams(100, 20_000, 100)
        var list = listed(&streams)
        for slot in 0...1 { streams[slot] = MuxStreamState() }
        streams[0].begin(id: 9, sendWindow: 1, receiveWindow: 0, now: .uptimeNanoseconds(1))
        #expect(all(&list, &streams) == [2])
    }

    @Test func `Entries of streams that are over are dropped when there are many`() {
        var streams = streams(100, 20_000, 100, 1)
        var list = listed(&streams)
        if let slot = list.next(&streams) { list.starve(slot, &streams[slot]) }
        for slot in 0...1 { streams[slot] = MuxStreamState() }
        list.tidy(streams, beyond: 3)
        #expect(list.count == 3 && list.starvedCount == 1)
        list.tidy(streams, beyond: 2)
        #expect(list.count == 2 && list.starvedCount == 1)
        list.tidy(streams, beyond: 0)
        #expect(list.count == 2 && list.starvedCount == 0)
        #expect(all(&list, &streams) == [2, 3])
    }
}
