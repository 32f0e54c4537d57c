import NIOCore
import NIOPosix

/// Connections that are being opened for an exchange, of which one will do: they end with it, should nobody want them any more. Confined to
/// its loop.
final class PendingDial {
    // Mostly there is one, which takes no array's memory.
    private var first: (any Channel)?
    private var others: [any Channel] = []
    private var isCancelled = false

    func add(_ channel: any Channel) {
        guard !isCancelled else { return channel.close(promise: nil) }
        if first == nil { first = channel } else { others.append(channel) }
    }

    /// One is open, or none will be.
    func ended() {
        first = nil
        others = []
    }

    /// Nobody waits for it.
    func cancel() {
        isCancelled = true
        let channels = others
        let first = first
        ended()
        first?.close(promise: nil)
        for channel in channels { channel.close(promise: nil) }
    }
}

/// The dial for which a bootstrap makes a channel. On its own loop it has made it when `connect` returns, so that one bootstrap serves all
/// dials: to make one for each costs five allocations.
final class DialBeingMade {
    private var dial: PendingDial?

    func bootstrap(on loop: any EventLoop) -> ClientBootstrap {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return ClientBootstrap(group: loop).channelInitializer { channel in
            bound.value.dial?.add(channel)
            return channel.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// - Parameter connect: Calls `connect` of the bootstrap once, on its loop.
    func making(_ dial: PendingDial, _ connect: () -> EventLoopFuture<any Channel>) -> EventLoopFuture<any Channel> {
        self.dial = dial
        defer { self.dial = nil }
        return connect()
    }
}

@available(*, unavailable)
extension PendingDial: Sendable {}

@available(*, unavailable)
extension DialBeingMade: Sendable {}
