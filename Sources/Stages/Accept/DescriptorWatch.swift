import Logging
import NIOCore
import Pipeline
import Synchronization

/// Sees to it that a listener doesn't take the descriptors that its connections need. While few are left, connections wait in the kernel's
/// queue, and those that nobody uses are given up.
final class DescriptorWatch: Sendable {
    /// How long connections wait before it is looked at whether there are descriptors for them.
    private static let pause = TimeAmount.milliseconds(50)
    /// Within so long a shortage that comes back isn't news.
    private static let memory = TimeAmount.minutes(1)

    private let descriptors: FileDescriptors
    private let listen: ListenAddress
    private let logger: Logger
    /// The lowest descriptor that shows a shortage.
    private let scarceFrom: Int
    private let shortage = Atomic<Bool>(false)
    private let last = Mutex<NIODeadline?>(nil)
    private let holder = Mutex<Int?>(nil)

    init(_ descriptors: FileDescriptors, listen: ListenAddress, logger: Logger) {
        self.descriptors = descriptors
        self.listen = listen
        self.logger = logger
        scarceFrom = descriptors.limit - descriptors.reserve
    }

    /// Further connections have to wait.
    var isShort: Bool { shortage.load(ordering: .relaxed) }

    /// A listener begins to accept.
    /// - Parameter relinquish: Has some of its connections closed on which nothing is open.
    func begin(maxConnections: Int, relinquish: @escaping @Sendable () -> Void) {
        holder.withLock { $0 = descriptors.add(relinquish) }
        guard maxConnections > scarceFrom else { return }
        logger.notice(
            "there are fewer file descriptors than connections are allowed",
            metadata: ["listen": "\(listen)", "limit": "\(descriptors.limit)", "max-connections": "\(maxConnections)"])
    }

    /// It takes no more connections.
    func end() {
        if let holder = holder.withLock({ $0 }) { descriptors.remove(holder) }
    }

    /// Whether a new connection leaves fewer descriptors than there should be.
    func isScarce(_ descriptor: Int) -> Bool { descriptor >= scarceFrom }

    /// Few descriptors are left, or none could be had. To try again at once would be all that the loop does.
    /// - Parameters:
    ///   - loop: Where it is looked at whether there are more.
    ///   - changed: Called when `isShort` has changed. False when nobody listens any more.
    func ranShort(on loop: any EventLoop, changed: @escaping @Sendable () -> Bool) {
        guard !shortage.exchange(true, ordering: .relaxed), changed() else { return }
        let now = NIODeadline.now()
        let isNews = last.withLock { last in
            defer { last = now }
            return last.map { $0 + Self.memory < now } ?? true
        }
        if isNews {
            logger.warning(
                "few file descriptors are left: unused connections are closed, and further ones wait",
                metadata: [
                    "listen": "\(listen)", "limit": "\(descriptors.limit)",
                    "hint": "raise the limit: 'ulimit -n', LimitNOFILE of systemd, ulimits of a container",
                ])
        }
        wait(on: loop, changed)
    }

    private func wait(on loop: any EventLoop, _ changed: @escaping @Sendable () -> Bool) {
        descriptors.relieve()
        loop.scheduleTask(in: Self.pause) {
            guard self.descriptors.areScarce else {
                self.last.withLock { $0 = .now() }
                self.shortage.store(false, ordering: .relaxed)
                _ = changed()
                return
            }
            if changed() { self.wait(on: loop, changed) }
        }
    }
}
