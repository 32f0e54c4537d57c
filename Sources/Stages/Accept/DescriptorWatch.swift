import Logging
import NIOCore
import Pipeline
import Synchronization

/// Sees to it that a listener doesn't take the descriptors that its connections need. While few are left, connections wait in the kernel's
/// queue, and for those that wait others are given up that nobody uses.
final class DescriptorWatch: Sendable {
    private struct State {
        var isShort = false
        var holder: Int?
    }

    /// How long connections wait before it is looked at whether there are descriptors for them.
    private static let pause = TimeAmount.milliseconds(50)

    private let descriptors: FileDescriptors
    private let listen: ListenAddress
    private let logger: Logger
    private let state = Mutex(State())

    init(_ descriptors: FileDescriptors, listen: ListenAddress, logger: Logger) {
        self.descriptors = descriptors
        self.listen = listen
        self.logger = logger
    }

    /// Further connections have to wait.
    var isShort: Bool { state.withLock { $0.isShort } }

    /// A listener begins to accept.
    /// - Parameter relinquish: Has some of its connections closed on which nothing is open. Called on any thread.
    func begin(maxConnections: Int, relinquish: @escaping @Sendable () -> Void) {
        let holder = descriptors.add(relinquish)
        state.withLock { $0.holder = holder }
        guard descriptors.isScarce(maxConnections) else { return }
        logger.notice(
            "there are fewer file descriptors than connections are allowed",
            metadata: ["listen": "\(listen)", "limit": "\(descriptors.limit)", "max-connections": "\(maxConnections)"])
    }

    /// It takes no more connections.
    func end() {
        if let holder = state.withLock({ $0.holder.take() }) { descriptors.remove(holder) }
    }

    /// Whether a new connection leaves fewer descriptors than there should be.
    func isScarce(_ descriptor: Int) -> Bool { descriptors.isScarce(descriptor) }

    /// Few descriptors are left, or none could be had. To try again at once would be all that the loop does.
    /// - Parameters:
    ///   - loop: The listener's, where it is looked at whether there are more.
    ///   - isAwaited: Whether a connection waits in the kernel's queue; nil when nobody listens any more.
    ///   - changed: Called when `isShort` has changed.
    func ranShort(on loop: any EventLoop, isAwaited: @escaping @Sendable () -> Bool?, changed: @escaping @Sendable () -> Void) {
        let isNew = state.withLock { state in
            defer { state.isShort = true }
            return !state.isShort
        }
        guard isNew else { return }
        changed()
        if descriptors.noteShortage() {
            logger.warning(
                "few file descriptors are left: unused connections are closed, and further ones wait",
                metadata: ["listen": "\(listen)", "limit": "\(descriptors.limit)", "hint": "\(FileDescriptors.advice)"])
        }
        wait(on: loop, isAwaited, changed)
    }

    private func wait(
        on loop: any EventLoop, _ isAwaited: @escaping @Sendable () -> Bool?, _ changed: @escaping @Sendable () -> Void
    ) {
        loop.scheduleTask(in: Self.pause) {
            guard let hasWaiting = isAwaited() else { return }
            guard self.descriptors.areScarce else {
                self.state.withLock { $0.isShort = false }
                return changed()
            }
            _ = self.descriptors.noteShortage()
            if hasWaiting { self.descriptors.relieve() }
            self.wait(on: loop, isAwaited, changed)
        }
    }
}
