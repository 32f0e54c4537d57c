public import HTTPMessages

/// A stage that every exchange passes and that has something of its own on each event loop: counters, a gate that all exchanges share.
public protocol LoopFilterStage: Stage where Input == Exchange, Output == Exchange {
    /// What the stage has on each event loop.
    associatedtype Filter: LoopFilter

    /// The stage's part on one event loop. Runs on the shard's loop, once; `shard.assembling` has the labels of its metrics.
    func filter(on shard: Shard) throws -> Filter
}

/// One event loop's part of a `LoopFilterStage`. Confined to the loop, so that it needs no locks.
public protocol LoopFilter: AnyObject {
    /// What becomes of an exchange that has come. Runs on the exchange's loop, and returns at once.
    func choice(for exchange: Exchange) -> FilterChoice
}

/// What a filter does with an exchange.
public enum FilterChoice {
    /// It goes on, and is none of the filter's business any more.
    case pass
    /// It goes on through a gate, which may be one for all exchanges of a loop.
    case gate(Gate)
    /// It goes no further.
    case answer(LocalResponse)
}

@available(*, unavailable)
extension FilterChoice: Sendable {}

extension LoopFilterStage {
    public func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        LoopFilterPort(filter: try filter(on: shard), next: downstream)
    }
}

private final class LoopFilterPort<Filter: LoopFilter>: ExchangePort {
    private let filter: Filter
    private let next: any ExchangePort

    init(filter: Filter, next: any ExchangePort) {
        self.filter = filter
        self.next = next
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        switch filter.choice(for: exchange) {
        case .pass: next.open(exchange)
        case .gate(let gate): exchange.pass(gate, towards: next)
        case .answer(let response): exchange.answer(response)
        }
    }
}
