import Instruments
import NIOCore

/// Stands before a stage's port and counts the connections that reach it.
final class InboundEdge: InboundPort {
    private let next: any InboundPort
    private let entered: Counter
    private let refused: Counter
    private let open: Gauge

    init(_ next: any InboundPort, on shard: Shard, at place: StagePlace) {
        self.next = next
        entered = shard.metrics.counter(StageMetrics.connectionsIn, place.labels)
        refused = shard.metrics.counter(StageMetrics.connectionsRefused, place.labels)
        open = shard.metrics.gauge(StageMetrics.connectionsOpen, place.labels)
    }

    var protocols: [String] { next.protocols }
    var takesUnknownProtocols: Bool { next.takesUnknownProtocols }
    var admits: Bool { next.admits }

    func accept(_ connection: Inbound) throws {
        entered.add()
        do {
            try next.accept(connection)
        } catch {
            refused.add()
            throw error
        }
        open.add(1)
        connection.channel.closeFuture.assumeIsolated().whenComplete { _ in self.open.add(-1) }
    }
}

@available(*, unavailable)
extension InboundEdge: Sendable {}
