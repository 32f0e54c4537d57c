import NIOCore
import Pipeline

/// Exchanges on their way to the connection to the server, and those that wait until it takes them, each as long as `connect`
/// allows. Confined to its loop.
final class TunnelQueue {
    /// How many may wait on one loop.
    private static let limit = 1_024

    private let downstream: any OutboundPort
    private let waiting: WaitingExchanges

    init(downstream: any OutboundPort, shard: Shard) {
        self.downstream = downstream
        waiting = WaitingExchanges(on: shard) { Self.refuse($0, downstream.status) }
    }

    var count: Int { waiting.count }

    /// Starts an exchange, behind those that wait already, or lets it wait. `begin` is false when it can't be begun now.
    func take(_ exchange: Exchange, _ begin: (Exchange) -> Bool) {
        if waiting.isEmpty, begin(exchange) { return }
        let patience = downstream.patience
        guard patience > .zero, waiting.count < Self.limit else { return Self.refuse(exchange, downstream.status) }
        waiting.append(exchange, for: patience)
    }

    /// Something was freed: starts what can be started.
    func start(_ begin: (Exchange) -> Bool) { waiting.release(begin) }

    private static func refuse(_ exchange: Exchange, _ status: OutboundStatus) {
        let message =
            switch status {
            case .up: "the tunnel carries as many exchanges as the server takes"
            case .down(let since, let to, let reason):
                "the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)"
            }
        exchange.answer(Failure(.tunnelDown, message).response(for: exchange.request))
    }
}

@available(*, unavailable)
extension TunnelQueue: Sendable {}
