import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import TunnelStages

/// Who is told when the machine's network has changed.
@Suite struct PathWatchTests {
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
        var now: Int { value.load(ordering: .relaxed) }
    }

    @Test func `Changes that come together are told once, and others once a second`() {
        let (loop, count, watch) = (EmbeddedEventLoop(), Count(), PathWatch())
        watch.observe(on: loop) { count.value.add(1, ordering: .relaxed) }
        loop.run()
        #expect(count.now == 0)
        var told: [Int] = []
        for milliseconds in [0, 99, 1, 100, 799, 101, 1_000, 1_000] {
            if told.count < 5 { for _ in 0..<10 { watch.changed(on: loop) } }
            loop.advanceTime(by: .milliseconds(Int64(milliseconds)))
            told.append(count.now)
        }
        #expect(told == [0, 0, 1, 1, 1, 2, 2, 2])
        watch.changed(on: loop)
        loop.advanceTime(by: .milliseconds(100))
        #expect(count.now == 3)
    }

    /// A look at each time: what the clock says that goes on, what the other one says, and whether the machine was suspended since.
    @Test(arguments: [
        [(100, 100, false), (101, 101, false), (102, 102, false)],
        [(100, 40, false), (101, 41, false)],
        [(100, 40, false), (3_701, 41, true), (3_702, 42, false)],
        [(100, 100, false), (102, 101, true), (103, 102, false), (109, 103, true)],
        [(100, 100, false), (99, 100, false), (100, 101, false)],
    ])
    func `One of the clocks stands still while the machine is suspended`(
        _ looks: [(whole: Int64, awake: Int64, wasSuspended: Bool)]
    ) {
        var time = SuspendedTime()
        for look in looks {
            let found = time.look(whole: look.whole * 1_000_000_000, awake: look.awake * 1_000_000_000)
            #expect(found == look.wasSuspended, "\(look)")
        }
    }

    @Test func `The machine that runs this isn't being suspended`() {
        var time = SuspendedTime()
        let looks = [time.look(), time.look()]
        #expect(looks == [false, false])
    }
}
