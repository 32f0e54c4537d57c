import ConfigurationLanguage
import Logging
import NIOCore
import Platform
import Synchronization

/// Sees to it that a listener doesn't take the descriptors that its connections need. While few are left, connections wait in the kernel's
/// queue, and for those that wait others are given up that nobody uses.
final class DescriptorWatch: Sendable {
    private struct State {
        var isShort = false
        var holder: Int?
        /// Accepts, while it does.
        var listener: (any Channel)?
    }

    /// How long connections wait before it is looked at whether there are descriptors for them.
    private static let pause = TimeAmount.milliseconds(50)
    /// How many strangers are turned out at once.
    private static let portion = 16

    private let descriptors: FileDescriptors
    private let places: ConnectionPlaces
    private let listen: ListenAddress
    private let logger: Logger
    private let state = Mutex(State())

    init(_ descriptors: FileDescriptors, places: ConnectionPlaces, listen: ListenAddress, logger: Logger) {
        self.descriptors = descriptors
        self.places = places
        self.listen = listen
        self.logger = logger
    }

    /// A listener begins to accept.
    /// - Parameter relinquish: Has some of its connections closed on which nothing is open. Called on any thread.
    func begin(_ listener: any Channel, maxConnections: Int, relinquish: @escaping @Sendable () -> Void) {
        let holder = descriptors.add { [places] in
            places.turnOutStrangers(Self.portion)
            relinquish()
        }
        state.withLock { ($0.listener, $0.holder) = (listener, holder) }
        guard descriptors.isScarce(maxConnections) else { return }
        logger.notice(
            "there are fewer file descriptors than connections are allowed",
            metadata: ["listen": "\(listen)", "limit": "\(descriptors.limit)", "max-connections": "\(maxConnections)"])
    }

    /// It accepts no more.
    func end() {
        let holder = state.withLock { state in
            state.listener = nil
            return state.holder.take()
        }
        if let holder { descriptors.remove(holder) }
    }

    /// A new connection has this descriptor, which may show that few are left.
    func took(_ descriptor: Int) {
        if descriptors.isScarce(descriptor) { ranShort() }
    }

    /// Few descriptors are left, or none could be had. To try again at once would be all that the loop does.
    func ranShort() {
        let listener = state.withLock { state -> (any Channel)? in
            guard !state.isShort, let listener = state.listener else { return nil }
            state.isShort = true
            return listener
        }
        guard let listener else { return }
        listener.eventLoop.execute { try? listener.syncOptions?.setOption(.autoRead, value: false) }
        places.runsShort(true)
        if descriptors.noteShortage() {
            logger.warning(
                "few file descriptors are left: unused connections are closed, and further ones wait",
                metadata: ["listen": "\(listen)", "limit": "\(descriptors.limit)", "hint": "\(FileDescriptors.advice)"])
        }
        wait()
    }

    private func wait() {
        guard let listener = state.withLock({ $0.listener }) else { return }
        listener.eventLoop.scheduleTask(in: Self.pause) {
            guard self.descriptors.areScarce else {
                self.state.withLock { $0.isShort = false }
                return self.places.runsShort(false)
            }
            _ = self.descriptors.noteShortage()
            let isAwaited = try? listener.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: CInt.self, ListeningSocket.isAwaited)
            if isAwaited == true { self.descriptors.relieve() }
            self.wait()
        }
    }
}
