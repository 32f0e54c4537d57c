import DequeModule
import NIOCore
import Pipeline

/// Exchanges that wait, in the order in which they came, each until its time is up. Confined to its loop.
final class WaitingExchanges: Expiring {
    var sweepIndex: Int?
    private let shard: Shard
    private let refuse: (Exchange) -> Void
    private var waiting = Deque<(exchange: Exchange, until: NIODeadline)>()

    /// - Parameter refuse: Answers an exchange whose time is up.
    init(on shard: Shard, refuse: @escaping (Exchange) -> Void) {
        self.shard = shard
        self.refuse = refuse
    }

    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }

    /// What their clients have sent of their bodies.
    var requestBytes: Int64 { waiting.reduce(0) { $0 + $1.exchange.requestBytes } }

    func append(_ exchange: Exchange, for patience: TimeAmount) {
        waiting.append((exchange, .now() + patience))
        shard.deadlines.add(self)
    }

    /// Puts an exchange in front of those that wait. One whose time is up is refused at the next sweep.
    func prepend(_ exchange: Exchange, until deadline: NIODeadline) {
        waiting.prepend((exchange, deadline))
        shard.deadlines.add(self)
    }

    /// Hands out what waits, until one isn't taken: that one stays the first. What has ended meanwhile is left out.
    func release(_ take: (Exchange) -> Bool) {
        guard !waiting.isEmpty else { return }
        // Taken out first: what begins may end at once, and that may release the next.
        while let next = waiting.popFirst() {
            guard next.exchange.hasEnded || take(next.exchange) else { return waiting.prepend(next) }
        }
        shard.deadlines.remove(self)
    }

    var deadline: NIODeadline? { waiting.first?.until }

    func expire(now: NIODeadline) {
        while let first = waiting.first, first.until <= now {
            waiting.removeFirst()
            if !first.exchange.hasEnded { refuse(first.exchange) }
        }
        if waiting.isEmpty { shard.deadlines.remove(self) }
    }
}

@available(*, unavailable)
extension WaitingExchanges: Sendable {}
