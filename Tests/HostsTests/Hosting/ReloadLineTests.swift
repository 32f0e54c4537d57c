import Synchronization
import Testing

@testable import Hosting

@Suite("One reload after the other")
struct ReloadLineTests {
    @Test("None begins before the one before has ended, and each has its own result")
    func order() async {
        let line = ReloadLine()
        let log = Log()
        let results = await withTaskGroup(of: Int.self) { group in
            for number in 0..<20 {
                group.addTask {
                    await line.wait {
                        log.began()
                        await Task.yield()
                        log.ended()
                        return number
                    }
                }
            }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(results == Set(0..<20))
        #expect(log.most == 1)
    }

    private final class Log: Sendable {
        private let state = Mutex<(running: Int, most: Int)>((0, 0))
        var most: Int { state.withLock { $0.most } }
        func began() { state.withLock { $0 = ($0.running + 1, max($0.most, $0.running + 1)) } }
        func ended() { state.withLock { $0.running -= 1 } }
    }
}
