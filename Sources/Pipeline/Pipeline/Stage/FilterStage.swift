/// A stage that every exchange passes: makes a gate for each.
public protocol FilterStage: Stage where Input == Exchange, Output == Exchange {
    /// The gate for one exchange, or nil when this exchange is none of its business. Runs on the exchange's loop.
    func gate(for exchange: Exchange) -> Gate?
}

extension FilterStage {
    public func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        FilterPort(stage: self, next: downstream)
    }
}

private final class FilterPort<Filter: FilterStage>: ExchangePort {
    private let stage: Filter
    private let next: any ExchangePort

    init(stage: Filter, next: any ExchangePort) {
        self.stage = stage
        self.next = next
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        guard let gate = stage.gate(for: exchange) else { return next.open(exchange) }
        exchange.pass(gate, towards: next)
    }
}
