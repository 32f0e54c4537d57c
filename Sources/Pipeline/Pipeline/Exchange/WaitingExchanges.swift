import DequeModule
package import NIOCore

/// Exchanges that wait, in the order in which they came, each until its time is up. Confined to its loop.
package final class WaitingExchanges: Expiring {
    package var sweepIndex: Int?
    private let shard: Shard
    private let refuse: (Exchange) -> Void
    private var waiting = Deque<(exchange: Exchange, until: NIODeadline)>()

    /// - Parameter refuse: Answers an exchange whose time is up.
    package init(on shard: Shard, refuse: @escaping (Exchange) -> Void) {
        self.shard = shard
        self.refuse = refuse
    }

    /// How many wait. Those that have ended meanwhile count until they are handed out or their time is up.
    package var count: Int { waiting.count }
    /// Whether none waits.
    package var isEmpty: Bool { waiting.isEmpty }

    /// What their clients have sent of their bodies.
    package var requestBytes: Int64 { waiting.reduce(0) { $0 + $1.exchange.requestBytes } }

    /// Puts an exchange behind those that wait, for `patience` from now. Its time is noticed once those before it are gone.
    package func append(_ exchange: Exchange, for patience: TimeAmount) {
        waiting.append((exchange, .now() + patience))
        shard.deadlines.add(self)
    }

    /// Puts an exchange in front of those that wait. One whose time is up is refused at the next sweep.
    package func prepend(_ exchange: Exchange, until deadline: NIODeadline) {
        waiting.prepend((exchange, deadline))
        shard.deadlines.add(self)
    }

    /// Hands out what waits, until one isn't taken: that one stays the first. What has ended meanwhile is left out.
    package func release(_ take: (Exchange) -> Bool) {
        guard !waiting.isEmpty else { return }
        // Taken out first: what begins may end at once, and that may release the next.
        while let next = waiting.popFirst() {
            guard next.exchange.hasEnded || take(next.exchange) else { return waiting.prepend(next) }
        }
        shard.deadlines.remove(self)
    }

    package var deadline: NIODeadline? { waiting.first?.until }

    package func expire(now: NIODeadline) {
        while let first = waiting.first, first.until <= now {
            waiting.removeFirst()
            if !first.exchange.hasEnded { refuse(first.exchange) }
        }
        if waiting.isEmpty { shard.deadlines.remove(self) }
    }
}

@available(*, unavailable)
extension WaitingExchanges: Sendable {}
