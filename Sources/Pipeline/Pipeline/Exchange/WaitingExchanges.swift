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

    private typealias Line = FairLine<ExchangeParty, ObjectIdentifier, Exchange>

    package var sweepIndex: Int?
    private let shard: Shard
    private let limit: Int
    private let byteLimit: Int64
    private let refuse: (Exchange, Refusal) -> Void
    private var line = Line()

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
    package var first: Exchange? { line.first }

    /// What their clients have sent of their bodies.
    private var requestBytes: Int64 { line.entries.reduce(0) { $0 + $1.element.requestBytes } }

    /// Lets an exchange wait for `patience` from now, or refuses one: it, or one of the client that has most.
    package func append(_ exchange: Exchange, for patience: TimeAmount) {
        let party = ExchangeParty(exchange)
        while line.count >= limit {
            guard let leaving = line.popOfHeaviest(for: party) else { return refuse(exchange, .crowded) }
            displace(leaving)
        }
        while byteLimit < .max, requestBytes >= byteLimit {
            guard let leaving = line.popOfHeaviest(for: party, weight: \.requestBytes) else { return refuse(exchange, .crowded) }
            displace(leaving)
        }
        add(Line.Entry(exchange, id: ObjectIdentifier(exchange), of: party, until: .now() + patience), isNext: false)
    }

    /// Puts an exchange in front of those that wait, beyond the limit too. One whose time is up is refused at the next sweep.
    package func prepend(_ exchange: Exchange, until deadline: NIODeadline) {
        add(Line.Entry(exchange, id: ObjectIdentifier(exchange), of: ExchangeParty(exchange), until: deadline), isNext: true)
    }

    /// Takes the one whose turn it is.
    package func popFirst() -> Exchange? { taken(line.popFirst()) }

    /// Takes the first that will do.
    package func popFirst(where willDo: (Exchange) -> Bool) -> Exchange? { taken(line.popFirst(where: willDo)) }

    /// Hands out what waits, until one isn't taken: that one stays the first.
    package func release(_ take: (Exchange) -> Bool) {
        // Taken out first: what begins may end at once, and that may release the next.
        while let next = line.popFirst() {
            guard let exchange = taken(next), !take(exchange), !exchange.hasEnded else { continue }
            return add(next, isNext: true)
        }
    }

    private func add(_ entry: Line.Entry, isNext: Bool) {
        if isNext { line.prepend(entry) } else { line.append(entry) }
        entry.element.whenAbandoned = { [weak self, id = entry.id, client = entry.client] in self?.left(id, client) }
        shard.deadlines.add(self)
    }

    /// Somebody who waits hears of it otherwise from now on.
    private func taken(_ entry: Line.Entry?) -> Exchange? {
        entry?.element.whenAbandoned = nil
        if line.isEmpty { shard.deadlines.remove(self) }
        return entry?.element
    }

    private func left(_ id: ObjectIdentifier, _ client: ExchangeParty) {
        _ = taken(line.remove(id, of: client))
    }

    private func displace(_ entry: Line.Entry) {
        if let exchange = taken(entry) { refuse(exchange, .crowded) }
    }

    package var deadline: NIODeadline? { line.deadline }

    package func expire(now: NIODeadline) {
        for entry in line.popExpired(at: now) {
            if let exchange = taken(entry), !exchange.hasEnded { refuse(exchange, .late) }
        }
    }
}

@available(*, unavailable)
extension WaitingExchanges: Sendable {}
