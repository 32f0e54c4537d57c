import NIOCore
import Pipeline

/// One loop's connections to one origin, and who waits for one. A class: changing a struct in a dictionary allocates.
final class OriginPool<Connection: PooledConnection> {
    /// So often a connection's owner may go before others who wait: enough for him to finish proving who he is, and then their turn
    /// comes.
    static var courtesy: Int { 8 }

    /// How long a client's own connection keeps its place although others wait who may not use it.
    static var grace: TimeAmount { .seconds(1) }

    /// How an exchange gets a connection.
    enum Place {
        case idle(Connection)
        /// Another may be opened.
        case new
        /// One has to become free.
        case line
    }

    /// What is done for those who wait while connections are idle that they may not use.
    enum MakingWay: Equatable {
        case nothing
        /// Its owner has had time to use it.
        case giveUpOldest
        case lookAgain(in: TimeAmount)
    }

    /// The one used last is used first, so that the others can time out: the first is idle the longest.
    private(set) var idle: [Connection] = []
    /// Connections that are there or on their way, the idle ones included.
    var open = 0
    /// Places that have become free are being given out.
    var serving = SerialWork()
    /// It will be looked at whether those who wait may have the place of an idle connection.
    private(set) var isWatched = false
    /// How many of the idle ones are one client's. Mostly there are none, and the last one will do without a search.
    private var ownedIdle = 0
    /// Who waits for a connection; nil as long as nobody had to.
    var line: WaitingExchanges?

    var isUnused: Bool { open == 0 && !hasWaiting }
    var waiting: Int { line?.count ?? 0 }

    /// - Parameter limit: How many connections there may be.
    func place(for exchange: Exchange, of limit: Int) -> Place {
        if let connection = takeIdle(for: exchange) { return .idle(connection) }
        guard open < limit else { return .line }
        open += 1
        return .new
    }

    /// Whether the connection that is idle the longest gives its place.
    func makeWay(at now: NIODeadline) -> MakingWay {
        guard hasWaiting, let oldest = idle.first else { return .nothing }
        if oldest.idleSince + Self.grace <= now { return .giveUpOldest }
        guard !isWatched else { return .nothing }
        isWatched = true
        return .lookAgain(in: Self.grace)
    }

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
            let isShared = idle[index].owner == .everybody
            guard !isShared || found == nil, idle[index].mayServe(exchange) else { continue }
            found = index
            if !isShared || ownedIdle == 0 { break }
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

    /// It is looked at again.
    func watched() { isWatched = false }

    // MARK: - Waiting

    /// The exchange that goes on over a connection which has become free: the one whose turn it is. If it may not use it, the connection's
    /// owner may go before it a few times.
    func takeWaiting(for connection: Connection) -> Exchange? {
        guard let line, let first = line.first else { return nil }
        if connection.mayServe(first) { return line.popFirst() }
        guard connection.owner != .everybody, connection.courtesy > 0, let next = line.popFirst(where: connection.mayServe) else {
            return nil
        }
        connection.courtesy -= 1
        return next
    }

    /// The exchange whose turn it is.
    func takeWaiting() -> Exchange? { line?.popFirst() }

    /// Whether a connection is kept although others wait, who may not use it: its owner may be about to use it.
    func shows(courtesyTo connection: Connection) -> Bool {
        guard hasWaiting else {
            connection.courtesy = Self.courtesy
            return true
        }
        guard connection.owner != .everybody, connection.courtesy > 0 else { return false }
        connection.courtesy -= 1
        return true
    }

    /// Whether anybody waits.
    var hasWaiting: Bool { waiting > 0 }
}

@available(*, unavailable)
extension OriginPool: Sendable {}
