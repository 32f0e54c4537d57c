import Pipeline

/// One loop's connections to one origin, and who waits for one. A class: changing a struct in a dictionary allocates.
final class OriginPool<Connection: PooledConnection> {
    /// So often a connection's owner may go before others who wait: enough for him to finish proving who he is, and then their turn
    /// comes.
    static var courtesy: Int { 8 }

    /// The one used last is used first, so that the others can time out: the first is idle the longest.
    private(set) var idle: [Connection] = []
    /// Connections that are there or on their way, the idle ones included.
    var open = 0
    /// Places that have become free are being given out.
    var isServing = false
    /// It will be looked at whether those who wait may have the place of an idle connection.
    var isWatched = false
    /// How many of the idle ones are one client's. Mostly there are none, and the last one will do without a search.
    private var ownedIdle = 0
    /// Who waits for a connection; nil as long as nobody had to.
    var line: WaitingExchanges?

    var isUnused: Bool { open == 0 && !hasWaiting }
    var waiting: Int { line?.count ?? 0 }

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
