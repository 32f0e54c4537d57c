package import NIOCore

/// Exchanges that wait, each until its time is up, in a line for each client, which go in turns. Who has left has left the line. Where all
/// places are taken, the client who has most of them gives one up for another. Confined to its loop.
package final class WaitingExchanges: Expiring {
    /// Why an exchange waits no longer.
    package enum Refusal {
        /// Its time is up.
        case late
        /// There is no place for it.
        case crowded
    }

    private struct Place: ImpatientElement {
        let exchange: Exchange
        let until: NIODeadline
        var party: ExchangeParty { ExchangeParty(exchange) }
    }

    package var sweepIndex: Int?
    private let shard: Shard
    private let limit: Int
    private let byteLimit: Int64
    private let refuse: (Exchange, Refusal) -> Void
    private var line = FairLine<ExchangeParty, Place>()

    /// - Parameters:
    ///   - limit: How many may wait.
    ///   - byteLimit: With how much of their bodies nobody else may begin to.
    ///   - refuse: Answers an exchange that doesn't wait any longer, or not at all.
    package init(on shard: Shard, limit: Int, byteLimit: Int64 = .max, refuse: @escaping (Exchange, Refusal) -> Void) {
        self.shard = shard
        self.limit = limit
        self.byteLimit = byteLimit
        self.refuse = refuse
    }

    /// How many wait.
    package var count: Int { line.count }
    /// Whether none waits.
    package var isEmpty: Bool { line.isEmpty }
    /// The one whose turn it is.
    package var first: Exchange? { line.first?.exchange }

    /// What their clients have sent of their bodies.
    private var requestBytes: Int64 { line.elements.reduce(0) { $0 + $1.exchange.requestBytes } }

    /// Lets an exchange wait for `patience` from now, or refuses one: it, or one of the client that has most.
    package func append(_ exchange: Exchange, for patience: TimeAmount) {
        let party = ExchangeParty(exchange)
        while line.count >= limit {
            guard let leaving = line.popOfHeaviest(for: party) else { return refuse(exchange, .crowded) }
            displace(leaving)
        }
        while byteLimit < .max, requestBytes >= byteLimit {
            guard let leaving = line.popOfHeaviest(for: party, weight: { $0.exchange.requestBytes }) else {
                return refuse(exchange, .crowded)
            }
            displace(leaving)
        }
        add(Place(exchange: exchange, until: .now() + patience), isNext: false)
    }

    /// Puts an exchange in front of those that wait, beyond the limit too. One whose time is up is refused at the next sweep.
    package func prepend(_ exchange: Exchange, until deadline: NIODeadline) {
        add(Place(exchange: exchange, until: deadline), isNext: true)
    }

    /// Takes the one whose turn it is.
    package func popFirst() -> Exchange? { taken(line.popFirst()) }

    /// Takes the first that will do.
    package func popFirst(where willDo: (Exchange) -> Bool) -> Exchange? { taken(line.popFirst { willDo($0.exchange) }) }

    /// Hands out what waits, until one isn't taken: that one stays the first.
    package func release(_ take: (Exchange) -> Bool) {
        // Taken out first: what begins may end at once, and that may release the next.
        while let next = line.popFirst() {
            guard let exchange = taken(next), !take(exchange), !exchange.hasEnded else { continue }
            return add(next, isNext: true)
        }
    }

    private func add(_ place: Place, isNext: Bool) {
        let (exchange, party) = (place.exchange, place.party)
        if isNext { line.prepend(place, of: party) } else { line.append(place, of: party) }
        exchange.whenAbandoned = { [weak self, id = ObjectIdentifier(exchange)] in self?.left(id, party) }
        shard.deadlines.add(self)
    }

    /// Somebody who waits hears of it otherwise from now on.
    private func taken(_ place: Place?) -> Exchange? {
        place?.exchange.whenAbandoned = nil
        if line.isEmpty { shard.deadlines.remove(self) }
        return place?.exchange
    }

    private func left(_ id: ObjectIdentifier, _ party: ExchangeParty) {
        _ = taken(line.popFirst(of: party) { ObjectIdentifier($0.exchange) == id })
    }

    private func displace(_ place: Place) {
        if let exchange = taken(place) { refuse(exchange, .crowded) }
    }

    package var deadline: NIODeadline? { line.deadline }

    package func expire(now: NIODeadline) {
        for place in line.popExpired(at: now) {
            if let exchange = taken(place), !exchange.hasEnded { refuse(exchange, .late) }
        }
    }
}

@available(*, unavailable)
extension WaitingExchanges: Sendable {}
