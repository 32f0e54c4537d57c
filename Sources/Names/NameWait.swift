import NIOCore

/// Somebody on a loop who waits for a name: until there is an answer, his time is over, or he leaves.
package final class NameWait {
    private var isOver = false
    private var timer: Scheduled<Void>?
    private let leave: () -> Void

    /// - Parameters:
    ///   - then: Called once on the loop, later, unless the wait is cancelled.
    ///   - leave: Tells that nobody waits here any more.
    init(
        _ answer: EventLoopFuture<NameResolver.Outcome>, until deadline: NIODeadline, on loop: any EventLoop,
        then: @escaping (NameResolver.Outcome) -> Void, leave: @escaping () -> Void
    ) {
        self.leave = leave
        timer = loop.assumeIsolated().scheduleTask(deadline: deadline) {
            guard self.end() else { return }
            leave()
            then(.failure(.deadline))
        }
        // Never before this returns.
        loop.assumeIsolated().execute {
            answer.assumeIsolated().whenSuccess { outcome in
                guard self.end() else { return }
                then(outcome)
            }
        }
    }

    /// Nobody waits any more, and `then` isn't called.
    package func cancel() {
        if end() { leave() }
    }

    private func end() -> Bool {
        guard !isOver else { return false }
        isOver = true
        timer?.cancel()
        timer = nil
        return true
    }
}

@available(*, unavailable)
extension NameWait: Sendable {}
