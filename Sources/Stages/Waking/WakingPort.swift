import DequeModule
import NIOCore
import Pipeline

/// Lets exchanges wait while the server is being woken, and asks for it. Once it is up, they pass without being touched.
///
/// What waits is bounded: in number, for the whole program together; in bytes, because what isn't passed on earns no credit,
/// and because nobody may begin to wait when too much is held already.
final class WakingPort: ExchangePort, Expiring {
    var sweepIndex: Int?
    private let next: any ExchangePort
    private let presence: ServerPresence
    private let shard: Shard
    private let limit: Int
    private let byteLimit: Int64
    private var waiting = Deque<(exchange: Exchange, until: NIODeadline)>()

    /// - Parameter shares: how many such ports share the limits: one on each loop.
    init(next: any ExchangePort, presence: ServerPresence, shard: Shard, shares: Int) {
        self.next = next
        self.presence = presence
        self.shard = shard
        limit = max(1, presence.holdLimit / shares)
        byteLimit = Int64(max(1, presence.holdBytes / shares))
        let bound = NIOLoopBound(self, eventLoop: shard.loop)
        presence.observe(on: shard.loop) { bound.value.changed() }
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        switch presence.phase {
        case .up where waiting.isEmpty:
            return next.open(exchange)
        case .up, .waking:
            break
        case .asleep, .failed:
            presence.want()
        }
        if let page = WaitingPage.answer(to: exchange.request, presence.phase) { return exchange.answer(page) }
        let held = waiting.reduce(Int64(0)) { $0 + $1.exchange.requestBytes }
        guard waiting.count < limit, held < byteLimit else {
            return exchange.answer(WaitingPage.unavailable("too many requests wait for the server to start"))
        }
        waiting.append((exchange, .now() + TimeAmount(presence.patience)))
        if sweepIndex == nil { shard.deadlines.add(self) }
    }

    private func changed() {
        switch presence.phase {
        case .up: release()
        case .failed(let reason): refuse(reason)
        case .asleep, .waking: break
        }
    }

    private func release() {
        while let first = waiting.popFirst() {
            if !first.exchange.hasEnded { next.open(first.exchange) }
        }
        shard.deadlines.remove(self)
    }

    private func refuse(_ reason: String) {
        while let first = waiting.popFirst() {
            if !first.exchange.hasEnded { first.exchange.answer(WaitingPage.unavailable(reason)) }
        }
        shard.deadlines.remove(self)
    }

    var deadline: NIODeadline? { waiting.first?.until }

    func expire(now: NIODeadline) {
        while let first = waiting.first, first.until <= now {
            waiting.removeFirst()
            if !first.exchange.hasEnded {
                first.exchange.answer(WaitingPage.unavailable("the server did not start in time"))
            }
        }
        if waiting.isEmpty { shard.deadlines.remove(self) }
    }
}

@available(*, unavailable)
extension WakingPort: Sendable {}
