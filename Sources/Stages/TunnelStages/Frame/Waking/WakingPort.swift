import NIOCore
import Pipeline

/// Lets exchanges wait while the server is being woken, and asks for it. Once it is up, they pass without being touched.
///
/// What waits is bounded: in number, for the whole program together; in bytes, because what isn't passed on earns no credit,
/// and because nobody may begin to wait when too much is held already, unless a client who holds more gives something up.
final class WakingPort: ExchangePort {
    private let next: any ExchangePort
    private let presence: ServerPresence
    private let waiting: WaitingExchanges
    /// Takes back what was meant for a server that has gone, and of which nothing was begun: the next one does it.
    private var again: ((Exchange) -> Bool)?

    /// - Parameter shares: how many such ports share the limits: one on each loop.
    init(next: any ExchangePort, presence: ServerPresence, shard: Shard, shares: Int) {
        self.next = next
        self.presence = presence
        waiting = WaitingExchanges(
            on: shard, limit: max(1, presence.holdLimit / shares), byteLimit: Int64(max(1, presence.holdBytes / shares))
        ) { exchange, refusal in
            let reason =
                switch refusal {
                case .late: "the server did not start in time"
                case .crowded: "too many requests wait for the server to start"
                }
            exchange.answer(WaitingPage.unavailable(reason))
        }
        let bound = NIOLoopBound(self, eventLoop: shard.loop)
        presence.observe(on: shard.loop) { bound.value.changed() }
        again = { [weak self] exchange in
            guard let self else { return false }
            switch self.presence.phase {
            case .asleep, .waking: self.wait(exchange)
            case .up, .failed: return false
            }
            return true
        }
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        exchange.whenUnavailable = again
        wait(exchange)
    }

    private func wait(_ exchange: Exchange) {
        switch presence.phase {
        case .up where waiting.isEmpty:
            return next.open(exchange)
        case .up, .waking:
            break
        case .asleep, .failed:
            presence.want()
        }
        if let page = WaitingPage.answer(to: exchange.request, presence.phase) { return exchange.answer(page) }
        waiting.append(exchange, for: TimeAmount(presence.patience))
    }

    private func changed() {
        switch presence.phase {
        case .up: release { self.next.open($0) }
        case .failed(let reason): release { $0.answer(WaitingPage.unavailable(reason)) }
        case .asleep, .waking: break
        }
    }

    private func release(_ hand: (Exchange) -> Void) {
        waiting.release { exchange in
            hand(exchange)
            return true
        }
    }
}

@available(*, unavailable)
extension WakingPort: Sendable {}
