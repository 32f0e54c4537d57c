import HTTPMessages
import NIOCore
import Pipeline
import Platform

/// What begins exchanges on the connection that is up.
protocol TunnelQueueOwner: AnyObject {
    /// False when the exchange can't be begun now.
    func begin(_ exchange: Exchange) -> Bool
}

/// Exchanges on their way to the connection to the server, and those that wait until it takes them, each as long as `connect`
/// allows. Whatever the codec, what the server says it never began comes back here and is begun anew. Confined to its loop.
final class TunnelQueue {
    /// How many may wait on one loop, beside those that came back.
    private static let limit = 1_024
    /// How often an exchange is begun in all.
    private static let attempts = 5
    /// How long a server that refuses a stream, and isn't going away, is left alone with it; each time twice as long.
    private static let pause = TimeAmount.milliseconds(100)

    weak var owner: (any TunnelQueueOwner)?
    /// Takes an exchange that can't be begun here, where there are other servers; false where this one is to be waited for.
    var elsewhere: ((Exchange) -> Bool)?
    private let downstream: any OutboundPort
    private let shard: Shard
    private let waiting: WaitingExchanges

    init(downstream: any OutboundPort, shard: Shard) {
        self.downstream = downstream
        self.shard = shard
        waiting = WaitingExchanges(on: shard, limit: Self.limit) { exchange, _ in Self.refuse(exchange, downstream) }
    }

    var count: Int { waiting.count }

    /// Starts an exchange, behind those that wait already, or lets it wait.
    func take(_ exchange: Exchange) {
        if waiting.isEmpty, begin(exchange) { return }
        if let elsewhere, elsewhere(exchange) { return }
        downstream.hasten()
        let patience = downstream.patience
        guard patience > .zero else { return Self.refuse(exchange, downstream) }
        exchange.trace?.begin(.tunnel)
        waiting.append(exchange, for: patience)
    }

    /// Something was freed: starts what can be started.
    func start() { waiting.release(begin) }

    /// Hands out what waits, for another server.
    func giveUp(to take: (Exchange) -> Void) {
        waiting.release { exchange in
            take(exchange)
            return true
        }
    }

    private func begin(_ exchange: Exchange) -> Bool {
        guard let owner, owner.begin(exchange) else { return false }
        exchange.trace?.gotTunnel(by: downstream.lastDial)
        return true
    }

    /// Takes back an exchange of which the server has begun nothing, to begin it anew: on the next connection, or, if it is to be the
    /// same, a little later. The time that it may wait goes on from when it came. One that was refused too often, or of whose body
    /// too much has been sent, ends with `failure`.
    /// - Parameter isLeaving: Whether the connection takes no more streams.
    func takeBack(_ exchange: Exchange, _ request: UnbegunRequest, because failure: Failure, isLeaving: Bool) {
        guard exchange.refusals + 1 < Self.attempts, exchange.detach(returning: request) else {
            var failure = failure
            if !request.isWhole { failure.message += "; too much of the request's body was sent to send it again" }
            exchange.abortResponse(failure)
            return exchange.flushResponse()
        }
        exchange.refusals += 1
        guard !isLeaving else { return putBack(exchange) }
        shard.loop.assumeIsolated().scheduleTask(in: Self.pause * (1 << (exchange.refusals - 1))) { self.putBack(exchange) }
    }

    /// Whether another server may do what a lost one perhaps did: a request with a safe method (RFC 9110, 9.2.1) and without a body, that has
    /// had no answer.
    func mayRepeat(_ exchange: Exchange, after failure: Failure) -> Bool {
        guard elsewhere != nil, failure.code == .tunnelLost, exchange.response == nil, !exchange.hasEnded else { return false }
        let request = exchange.request
        guard request.kind == .plain, request.body == .none || request.body == .known(0) else { return false }
        return ["GET", "HEAD", "OPTIONS", "TRACE"].contains(request.method)
    }

    private func putBack(_ exchange: Exchange) {
        guard !exchange.hasEnded else { return }
        if let elsewhere, elsewhere(exchange) { return }
        exchange.trace?.begin(.tunnel)
        // Beside other servers it was the lost one that took the time: the exchange waits for the next as if it came now.
        let since = elsewhere == nil ? exchange.began : .now()
        waiting.prepend(exchange, until: since + downstream.patience)
        start()
    }

    /// No connection will come in the time that an exchange may wait: nobody has to wait for that.
    func giveUpIfHopeless() {
        guard downstream.patience <= .zero else { return }
        waiting.release { exchange in
            Self.refuse(exchange, downstream)
            return true
        }
    }

    private static func refuse(_ exchange: Exchange, _ downstream: any OutboundPort) {
        exchange.trace?.waitedInVain(for: [downstream.lastDial])
        if let again = exchange.whenUnavailable.take(), again(exchange) { return }
        let failure =
            switch downstream.status {
            case .up: Failure(.tunnelDown, "the tunnel carries as many exchanges as the server takes")
            case .down(let since, let to, let reason):
                Failure(.tunnelDown, "the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)", since: since)
            }
        exchange.answer(failure.response(for: exchange.request))
    }
}

@available(*, unavailable)
extension TunnelQueue: Sendable {}
