/// Stands before a stage's port and counts what reaches it.
final class ExchangeEdge: ExchangePort {
    private let meter: StageMeter
    private let next: any ExchangePort

    init(_ next: any ExchangePort, on shard: Shard, at place: StagePlace) {
        self.next = next
        meter = StageMeter(place, in: shard.metrics)
        // Pipelines are put together from their end.
        for follower in shard.followers { follower.previous = meter }
        shard.followers = [meter]
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        exchange.reach(meter)
        next.open(exchange)
    }
}

@available(*, unavailable)
extension ExchangeEdge: Sendable {}
