import NIOCore
import Synchronization

/// Tells when connections may have been lost without a word, or may be made again: the machine has got or lost an address, a route or an
/// interface (where the kernel says that: on Linux), or it was suspended.
final class PathWatch: Sendable {
    private struct State {
        var listeners: [@Sendable () -> Void] = []
        var hasBegun = false
        /// Somebody is to be told, or was just now.
        var isResting = false
        /// Something has changed since.
        var isDue = false
        var suspended = SuspendedTime()
    }

    /// Changes come together: of a new network an address, routes, and more addresses.
    private static let together = TimeAmount.milliseconds(100)
    private static let rest = TimeAmount.seconds(1)
    private static let look = TimeAmount.seconds(1)

    private let state = Mutex(State())

    /// Calls `body` on `loop` after changes, at most once a second, for as long as this lives.
    func observe(on loop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
        let begins = state.withLock { state in
            state.listeners.append { loop.execute(body) }
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
        guard begins else { return }
        NetworkChanges.watch(on: loop, isWanted: { [weak self] in self != nil }, { [weak self] in self?.changed(on: loop) })
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.look) { [weak self] task in
            guard let self else { return task.cancel() }
            if state.withLock({ $0.suspended.look() }) { changed(on: loop) }
        }
    }

    /// Something has changed.
    func changed(on loop: any EventLoop) {
        let begins = state.withLock { state in
            state.isDue = true
            defer { state.isResting = true }
            return !state.isResting
        }
        if begins { loop.scheduleTask(in: Self.together) { [weak self] in self?.tell(on: loop) } }
    }

    private func tell(on loop: any EventLoop) {
        let listeners = state.withLock { state in
            guard state.isDue else {
                state.isResting = false
                return nil as [@Sendable () -> Void]?
            }
            state.isDue = false
            return state.listeners
        }
        guard let listeners else { return }
        for listener in listeners { listener() }
        loop.scheduleTask(in: Self.rest) { [weak self] in self?.tell(on: loop) }
    }
}
