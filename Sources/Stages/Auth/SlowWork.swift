import DequeModule
import NIOCore
import NIOPosix
import Synchronization

/// Runs work that takes long on threads, a few at a time; as much again may wait, and what comes beyond is turned away, so that
/// whoever sends wrong passwords can't take all of the machine.
final class SlowWork: Sendable {
    private let width: Int
    private let waitingLimit: Int
    private let state = Mutex(State())

    private struct State {
        var running = 0
        var waiting = Deque<@Sendable () -> Void>()
    }

    private enum Place { case now, later, never }

    init(width: Int = 2, waitingLimit: Int = 64) {
        self.width = width
        self.waitingLimit = waitingLimit
    }

    /// The result, on the loop; nil when there is too much to do already.
    func run<Result: Sendable>(
        on loop: any EventLoop, _ body: @escaping @Sendable () -> Result
    ) -> EventLoopFuture<Result>? {
        let promise = loop.makePromise(of: Result.self)
        let work: @Sendable () -> Void = { promise.succeed(body()) }
        let place = state.withLock { state -> Place in
            if state.running < width {
                state.running += 1
                return .now
            }
            guard state.waiting.count < waitingLimit else { return .never }
            state.waiting.append(work)
            return .later
        }
        switch place {
        case .now: submit(work)
        case .later: break
        case .never:
            promise.fail(CancellationError())
            return nil
        }
        return promise.futureResult
    }

    private func submit(_ work: @escaping @Sendable () -> Void) {
        NIOThreadPool.singleton.submit { _ in
            work()
            let next = self.state.withLock { state -> (@Sendable () -> Void)? in
                if let next = state.waiting.popFirst() { return next }
                state.running -= 1
                return nil
            }
            if let next { self.submit(next) }
        }
    }
}
