import DequeModule
import Pipeline

/// Where a request goes: what connections are pooled by.
struct Origin: Hashable {
    var isSecure: Bool
    var host: String
    var port: Int
}

/// A connection as its pool sees it.
protocol PooledConnection: AnyObject {
    var owner: ConnectionOwner { get }
    /// Whether stages let an exchange go to the connection's address.
    func leadsWhere(_ exchange: Exchange) -> Bool
}

extension PooledConnection {
    func mayServe(_ exchange: Exchange) -> Bool { owner.admits(exchange) && leadsWhere(exchange) }
}

/// One loop's connections to one origin, and who waits for one. A class: changing a struct in a dictionary allocates.
final class OriginPool<Connection: PooledConnection> {
    /// The one used last is used first, so that the others can time out: the first is idle the longest.
    private(set) var idle: [Connection] = []
    /// How many of those are one client's. Mostly there are none, and the last one will do without a search.
    private var ownedIdle = 0
    /// Connections that are there or on their way, the idle ones included.
    var open = 0
    private var queue = Deque<Exchange>()

    var isUnused: Bool { open == 0 && queue.isEmpty }
    var waiting: Int { queue.count }

    // MARK: - Idle connections

    /// Keeps a connection that nobody uses for now.
    func keep(_ connection: Connection) {
        idle.append(connection)
        if connection.owner != .everybody { ownedIdle += 1 }
    }

    /// Takes the connection used last that the exchange may go over, its client's own before those that are everybody's.
    func takeIdle(for exchange: Exchange) -> Connection? {
        if ownedIdle == 0, exchange.addressChecks.isEmpty { return idle.popLast() }
        var found: Int?
        for index in idle.indices.reversed() {
            let connection = idle[index]
            guard connection.mayServe(exchange) else { continue }
            if connection.owner != .everybody {
                found = index
                break
            }
            found = found ?? index
        }
        return found.map { takeIdle(at: $0) }
    }

    /// Takes a connection out. False when it isn't idle.
    @discardableResult
    func remove(_ connection: Connection) -> Bool {
        guard let index = idle.firstIndex(where: { $0 === connection }) else { return false }
        _ = takeIdle(at: index)
        return true
    }

    /// Takes out the one that is idle the longest.
    func takeOldest() -> Connection? { idle.isEmpty ? nil : takeIdle(at: 0) }

    private func takeIdle(at index: Int) -> Connection {
        let connection = idle.remove(at: index)
        if connection.owner != .everybody { ownedIdle -= 1 }
        return connection
    }

    // MARK: - Waiting

    /// The exchange waits until a connection can take it.
    func wait(_ exchange: Exchange) { queue.append(exchange) }

    /// The exchange that goes on over a connection which has become free: whoever waits longest, or the connection's owner.
    func takeWaiting(for connection: Connection) -> Exchange? {
        dropEnded()
        guard let first = queue.first else { return nil }
        if connection.mayServe(first) { return queue.popFirst() }
        guard connection.owner != .everybody else { return nil }
        let index = queue.firstIndex { !$0.hasEnded && connection.mayServe($0) }
        return index.map { queue.remove(at: $0) }
    }

    /// The exchange that waits longest.
    func takeWaiting() -> Exchange? {
        dropEnded()
        return queue.popFirst()
    }

    /// Whether somebody waits, to whom an end would be no news.
    var hasWaiting: Bool {
        dropEnded()
        return !queue.isEmpty
    }

    private func dropEnded() {
        while let first = queue.first, first.hasEnded { queue.removeFirst() }
    }
}

@available(*, unavailable)
extension OriginPool: Sendable {}
