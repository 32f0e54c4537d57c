import DequeModule
import NIOCore
import Pipeline

/// Exchanges that wait until the connection to the server takes them, each as long as `connect` allows. Confined to its loop.
final class WaitingExchanges: Expiring {
    /// How many may wait on one loop.
    private static let limit = 1_024

    var sweepIndex: Int?
    private let downstream: any OutboundPort
    private let shard: Shard
    private var waiting = Deque<(exchange: Exchange, until: NIODeadline)>()

    init(downstream: any OutboundPort, shard: Shard) {
        self.downstream = downstream
        self.shard = shard
    }

    /// Starts an exchange, behind those that wait already, or lets it wait. `begin` is false when it can't be begun now.
    func take(_ exchange: Exchange, _ begin: (Exchange) -> Bool) {
        if waiting.isEmpty, begin(exchange) { return }
        let patience = downstream.patience
        guard patience > .zero, waiting.count < Self.limit else { return exchange.answer(unavailable(exchange)) }
        waiting.append((exchange, .now() + patience))
        shard.deadlines.add(self)
    }

    /// Something was freed: starts what can be started.
    func start(_ begin: (Exchange) -> Bool) {
        // Taken out first: what begins may end at once, and that frees something again.
        while let next = waiting.popFirst() {
            guard next.exchange.hasEnded || begin(next.exchange) else { return waiting.prepend(next) }
        }
        shard.deadlines.remove(self)
    }

    var deadline: NIODeadline? { waiting.first?.until }

    func expire(now: NIODeadline) {
        while let first = waiting.first, first.until <= now {
            waiting.removeFirst()
            if !first.exchange.hasEnded { first.exchange.answer(unavailable(first.exchange)) }
        }
        if waiting.isEmpty { shard.deadlines.remove(self) }
    }

    private func unavailable(_ exchange: Exchange) -> LocalResponse {
        let message =
            switch downstream.status {
            case .up: "the tunnel carries as many exchanges as the server takes"
            case .down(let since, let to, let reason):
                "the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)"
            }
        return Failure(.tunnelDown, message).response(for: exchange.request)
    }
}

@available(*, unavailable)
extension WaitingExchanges: Sendable {}
