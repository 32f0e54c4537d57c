import DequeModule
import Pipeline

/// Where a request goes: what connections are pooled by.
struct Origin: Hashable {
    var isSecure: Bool
    var host: String
    var port: Int
}

/// One loop's connections to one origin. A class: changing a struct in a dictionary allocates.
final class OriginPool {
    /// The one used last is used first, so that the others can time out.
    var idle: [UpstreamHandler] = []
    var open = 0
    var waiting = Deque<Exchange>()

    var isUnused: Bool { open == 0 && waiting.isEmpty }

    /// The connection used last whose address the exchange may go to.
    func takeIdle(for exchange: Exchange) -> UpstreamHandler? {
        guard !exchange.addressChecks.isEmpty else { return idle.popLast() }
        return idle.lastIndex { $0.mayServe(exchange) }.map { idle.remove(at: $0) }
    }
}

@available(*, unavailable)
extension OriginPool: Sendable {}
