import NIOCore
import Testing

@testable import Addresses
@testable import TunnelStages

@Suite struct OccupancyTests {
    /// What happens at a listener. Connections have numbers in the order in which they come.
    enum Event: Sendable {
        /// A stranger comes from an address.
        case comes(_ address: String)
        /// Somebody comes whom nobody has to look at.
        case known
        case admitted(Int)
        case lingers(Int)
        case leaves(Int)
    }

    /// The event, then whether another is accepted, and who is closed for it.
    typealias Step = (event: Event, mayAccept: Bool, closed: Int?)

    @Test(
        arguments: [
            // Connections that nobody looks at: the limit is exact.
            (2, 2, [(.known, true, nil), (.known, false, nil), (.leaves(1), true, nil), (.known, false, nil)]),
            // Strangers use what is free, and become somebody within the limit.
            (
                2, 2,
                [
                    (.comes("192.0.2.1"), true, nil), (.comes("192.0.2.2"), false, nil), (.admitted(1), false, nil),
                    (.admitted(2), false, nil), (.leaves(1), true, nil),
                ]
            ),
            // A silent one gives way when it has had its time and there is no room, and not before.
            (
                2, 2,
                [
                    (.comes("192.0.2.1"), true, nil), (.comes("192.0.2.2"), false, nil), (.lingers(1), true, 1),
                    (.comes("192.0.2.3"), false, nil), (.lingers(2), true, 2),
                ]
            ),
            // Nobody has to go where there is room.
            (3, 3, [(.comes("192.0.2.1"), true, nil), (.lingers(1), true, nil), (.comes("192.0.2.2"), true, nil)]),
            // Of the client that has most, the oldest.
            (
                4, 4,
                [
                    (.comes("192.0.2.1"), true, nil), (.comes("192.0.2.2"), true, nil), (.comes("192.0.2.2"), true, nil),
                    (.lingers(1), true, nil), (.lingers(3), true, nil), (.lingers(2), true, nil),
                    (.comes("192.0.2.3"), true, 2), (.comes("192.0.2.4"), true, 1),
                ]
            ),
            // One place is left: where strangers have lingered, they are counted by themselves.
            (
                3, 2,
                [
                    (.known, true, nil), (.known, true, nil), (.comes("192.0.2.1"), false, nil), (.lingers(3), true, nil),
                    (.comes("192.0.2.2"), true, 3), (.comes("192.0.2.3"), false, nil), (.admitted(4), false, nil),
                    (.leaves(1), false, nil), (.lingers(5), true, nil),
                ]
            ),
            // Those that are somebody's never give way.
            (1, 5, [(.comes("192.0.2.1"), false, nil), (.admitted(1), false, nil), (.lingers(1), false, nil)]),
            // Strangers have a limit of their own though there would be room.
            (
                9, 2,
                [
                    (.comes("192.0.2.1"), true, nil), (.comes("192.0.2.2"), false, nil), (.admitted(1), true, nil),
                    (.comes("192.0.2.3"), false, nil), (.leaves(3), true, nil),
                ]
            ),
            // One that was to go and is admitted meanwhile counts as somebody's.
            (
                1, 1,
                [
                    (.comes("192.0.2.1"), false, nil), (.lingers(1), true, 1), (.admitted(1), false, nil), (.leaves(1), true, nil),
                ]
            ),
            // One that has gone by itself lingers no more, and doesn't go twice.
            (
                1, 1,
                [
                    (.comes("192.0.2.1"), false, nil), (.leaves(1), true, nil), (.lingers(1), true, nil), (.leaves(1), true, nil),
                    (.comes("192.0.2.1"), false, nil),
                ]
            ),
        ] as [(Int, Int, [Step])])
    func `Who has room`(limit: Int, strangerLimit: Int, steps: [Step]) throws {
        var occupancy = Occupancy<Int>(limit: limit, strangerLimit: strangerLimit)
        var places: [Occupancy<Int>.Place] = []
        func stranger(_ number: Int) throws -> Occupancy<Int>.StrangerID {
            guard case .stranger(let id) = places[number - 1] else { throw NotAStranger() }
            return id
        }
        var mayAccept = true
        for (index, step) in steps.enumerated() {
            let verdict: Occupancy<Int>.Verdict
            switch step.event {
            case .comes(let address):
                let entered = occupancy.enter(from: ClientNetwork(try SocketAddress(ipAddress: address, port: 1)))
                places.append(entered.place)
                verdict = entered.verdict
            case .known:
                let entered = occupancy.enter(from: nil)
                places.append(entered.place)
                verdict = entered.verdict
            case .admitted(let number):
                verdict = occupancy.admit(try stranger(number))
                places[number - 1] = .somebody
            case .lingers(let number):
                guard case .stranger(let id) = places[number - 1] else { continue }
                verdict = occupancy.linger(id, number)
            case .leaves(let number): verdict = occupancy.leave(places[number - 1])
            }
            #expect(verdict.mayAccept == step.mayAccept, "step \(index + 1)")
            #expect(verdict.leaves == step.closed, "step \(index + 1)")
            #expect(verdict.resumes == (!mayAccept && verdict.mayAccept), "step \(index + 1)")
            mayAccept = verdict.mayAccept
        }
    }

    private struct NotAStranger: Error {}

    /// Whatever happens: never more connections than both limits, nobody who is somebody is closed, and what was paused goes on.
    @Test(arguments: 0..<50 as Range<UInt64>) func `Under random events`(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let (limit, strangerLimit) = (Int.random(in: 1...9, using: &generator), Int.random(in: 1...9, using: &generator))
        var occupancy = Occupancy<Int>(limit: limit, strangerLimit: strangerLimit)
        var open: [(number: Int, place: Occupancy<Int>.Place)] = []
        var mayAccept = true
        var number = 0
        for _ in 0..<500 {
            let verdict: Occupancy<Int>.Verdict
            let pick = open.indices.randomElement(using: &generator)
            switch (Int.random(in: 0..<4, using: &generator), pick) {
            case (0, _) where mayAccept, (_, nil):
                number += 1
                let address = try? SocketAddress(ipAddress: "192.0.2.\(Int.random(in: 1...3, using: &generator))", port: 1)
                let entered = occupancy.enter(from: ClientNetwork(address))
                open.append((number, entered.place))
                verdict = entered.verdict
            case (1, let index?):
                guard case .stranger(let id) = open[index].place else { continue }
                verdict = occupancy.admit(id)
                open[index].place = .somebody
            case (2, let index?):
                guard case .stranger(let id) = open[index].place else { continue }
                verdict = occupancy.linger(id, open[index].number)
            case (3, let index?):
                verdict = occupancy.leave(open.remove(at: index).place)
            default: continue
            }
            mayAccept = verdict.mayAccept
            if let closed = verdict.leaves {
                #expect(open.first { $0.number == closed }.map { $0.place != .somebody } == true)
                open.removeAll { $0.number == closed }
            }
            #expect(occupancy.count == open.count && open.count <= limit + strangerLimit)
            #expect(mayAccept || !open.isEmpty)
        }
    }
}
