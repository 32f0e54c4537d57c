import Dispatch
import NIOCore
import Synchronization
import Testing

@testable import Filters

@Suite struct SlowWorkTests {
    private let loop = MultiThreadedLoop.shared

    private func client(_ name: String) -> ClientKey { .certificate(name) }

    /// Holds the only thread until it is let go.
    private func block(_ work: SlowWork) -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        _ = work.run(for: client("first"), isSuspect: false, on: loop) { gate.wait() }
        return gate
    }

    @Test func whatWaitsIsBounded() async throws {
        let work = SlowWork(width: 1, waitingLimit: 2, patience: .hours(1))
        let gate = block(work)
        let second = work.run(for: client("a"), isSuspect: false, on: loop) { 2 }
        let third = work.run(for: client("b"), isSuspect: false, on: loop) { 3 }
        let fourth = work.run(for: client("c"), isSuspect: false, on: loop) { 4 }
        // All have the same share: who comes last has to go.
        #expect(try await fourth.result.get() == nil)
        gate.signal()
        #expect(try await second.result.get() == 2)
        #expect(try await third.result.get() == 3)
        #expect(try await work.run(for: client("d"), isSuspect: false, on: loop) { 5 }.result.get() == 5)
    }

    @Test func clientsHaveTurns() async throws {
        let work = SlowWork(width: 1, waitingLimit: 100, patience: .hours(1))
        let gate = block(work)
        let order = Mutex<[String]>([])
        func add(_ name: String, suspect: Bool = false) -> EventLoopFuture<Void?> {
            work.run(for: client(name), isSuspect: suspect, on: loop) { order.withLock { $0.append(name) } }.result
        }
        var all = (0..<3).map { _ in add("many") }
        all += (0..<2).map { _ in add("guesser", suspect: true) }
        all += [add("one"), add("another")]
        gate.signal()
        for each in all { _ = try await each.get() }
        #expect(order.withLock { $0 } == ["another", "one", "many", "guesser", "many", "many", "guesser"])
    }

    @Test func whatNobodyWaitsForIsNotBegun() async throws {
        let work = SlowWork(width: 1, waitingLimit: 100, patience: .hours(1))
        let gate = block(work)
        let hasRun = Mutex(false)
        let abandoned = work.run(for: client("a"), isSuspect: false, on: loop) { hasRun.withLock { $0 = true } }
        let wanted = work.run(for: client("b"), isSuspect: false, on: loop) { 1 }
        abandoned.ticket.giveUp()
        gate.signal()
        #expect(try await abandoned.result.get() == nil)
        #expect(try await wanted.result.get() == 1)
        #expect(hasRun.withLock { !$0 })
    }

    @Test func whoHasLeftTakesNobodysPlace() async throws {
        let work = SlowWork(width: 1, waitingLimit: 2, patience: .hours(1))
        let gate = block(work)
        let left = work.run(for: client("a"), isSuspect: false, on: loop) { 1 }
        let stays = work.run(for: client("b"), isSuspect: false, on: loop) { 2 }
        left.ticket.giveUp()
        let comes = work.run(for: client("c"), isSuspect: false, on: loop) { 3 }
        #expect(try await left.result.get() == nil)
        gate.signal()
        #expect(try await stays.result.get() == 2)
        #expect(try await comes.result.get() == 3)
    }
}
