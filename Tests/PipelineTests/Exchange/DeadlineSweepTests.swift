import NIOCore
import NIOEmbedded
import Testing

@testable import Pipeline

/// Many deadlines with one timer.
@Suite struct DeadlineSweepTests {
    private final class Entry: Expiring {
        var deadline: NIODeadline?
        var sweepIndex: Int?
        var expirations = 0
        var onExpire: (() -> Void)?

        init(_ deadline: NIODeadline?) { self.deadline = deadline }

        func expire(now: NIODeadline) {
            expirations += 1
            onExpire?()
        }
    }

    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let sweep = DeadlineSweep(loop: EmbeddedEventLoop())

    /// The deadlines in milliseconds, and who is told at 100.
    @Test(
        arguments: [([100], [0]), ([101], []), ([nil], []), ([99, nil, 100, 101, 0], [0, 2, 4]), ([], [])]
            as [([Int64?], [Int])])
    func `Who is due is told`(_ deadlines: [Int64?], _ due: [Int]) {
        let entries = deadlines.map { Entry($0.map { start + .milliseconds($0) }) }
        for entry in entries { sweep.add(entry) }
        sweep.sweep(now: start + .milliseconds(100))
        #expect(entries.indices.filter { entries[$0].expirations == 1 } == due)
        #expect(entries.allSatisfy { $0.expirations <= 1 })
    }

    @Test func `Who is told is told again as long as his deadline stays`() {
        let entry = Entry(start)
        sweep.add(entry)
        sweep.add(entry)
        sweep.sweep(now: start)
        entry.deadline = start + .seconds(1)
        sweep.sweep(now: start)
        entry.deadline = start
        sweep.sweep(now: start)
        #expect(entry.expirations == 2)
    }

    @Test(arguments: 0..<3) func `Who has left isn't told, and the others are`(leaving: Int) {
        let entries = (0..<3).map { _ in Entry(start) }
        for entry in entries { sweep.add(entry) }
        sweep.remove(entries[leaving])
        sweep.remove(entries[leaving])
        sweep.sweep(now: start)
        #expect(entries.indices.filter { entries[$0].expirations == 0 } == [leaving])
        // He may come back.
        sweep.add(entries[leaving])
        sweep.sweep(now: start)
        #expect(entries.map(\.expirations) == (0..<3).map { $0 == leaving ? 1 : 2 })
    }

    @Test func `Whom another's end takes along isn't told`() {
        let (first, second) = (Entry(start), Entry(start))
        first.onExpire = {
            sweep.remove(first)
            sweep.remove(second)
        }
        second.onExpire = {
            sweep.remove(first)
            sweep.remove(second)
        }
        sweep.add(first)
        sweep.add(second)
        sweep.sweep(now: start)
        #expect(first.expirations + second.expirations == 1)
    }

    @Test func `The timer runs while somebody is watched, and begins anew`() {
        let loop = EmbeddedEventLoop()
        let sweep = DeadlineSweep(loop: loop, resolution: .milliseconds(250))
        let entry = Entry(.distantPast)
        for round in 1...2 {
            sweep.add(entry)
            loop.advanceTime(by: .milliseconds(249))
            #expect(entry.expirations == round - 1)
            loop.advanceTime(by: .milliseconds(1))
            #expect(entry.expirations == round)
            sweep.remove(entry)
            loop.advanceTime(by: .seconds(10))
            #expect(entry.expirations == round)
        }
    }
}
