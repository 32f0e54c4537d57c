import NIOCore

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

@available(*, unavailable)
extension PendingDial: Sendable {}
