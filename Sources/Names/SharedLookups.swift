/// The look-ups that are under way, and who waits for each: whoever wants what is being looked up waits for the same.
struct SharedLookups<Waiter> {
    /// What to do for somebody who wants a name.
    enum Joining: Equatable {
        /// It is to be looked up, under this number.
        case begin(UInt64)
        /// Somebody else has begun that.
        case joined
        /// There are too many.
        case refused
    }

    fileprivate struct Lookup {
        var id: UInt64
        var waiters: [UInt64: Waiter] = [:]
        /// In whose share it counts.
        var client: NameClient?
        /// Goes on though nobody waits: what it finds is wanted.
        var isRefresh = false
    }

    private let limit: Int
    private let share: Int
    private let programShare: Int
    private var shares: [NameClient: Int] = [:]
    private var programShares: [Int: Int] = [:]
    private var running: [String: Lookup] = [:]
    private var next: UInt64 = 0

    /// - Parameters:
    ///   - limit: How many names may be looked up at once.
    ///   - share: How many of them for one client.
    ///   - programShare: How many for all clients of one program, an agent say.
    init(limit: Int = 4_096, share: Int = 1_024, programShare: Int = 2_048) {
        self.limit = limit
        self.share = share
        self.programShare = programShare
    }

    var count: Int { running.count }

    /// A number that was never given before.
    mutating func number() -> UInt64 {
        next += 1
        return next
    }

    /// Somebody waits for a name, known by `ticket`. If it is looked up for him, that counts in his share.
    mutating func join(_ name: String, ticket: UInt64, for client: NameClient?, _ waiter: Waiter) -> Joining {
        if running[name] != nil {
            running[name]?.waiters[ticket] = waiter
            return .joined
        }
        guard running.count < limit, client.map({ hasRoom(for: $0) }) ?? true else { return .refused }
        let id = number()
        running[name] = Lookup(id: id, waiters: [ticket: waiter], client: client)
        if let client {
            shares[client, default: 0] += 1
            programShares[client.program, default: 0] += 1
        }
        return .begin(id)
    }

    private func hasRoom(for client: NameClient) -> Bool {
        shares[client, default: 0] < share && programShares[client.program, default: 0] < programShare
    }

    /// A name is to be looked up anew, though nobody waits for it.
    mutating func refresh(_ name: String) -> Joining {
        guard running[name] == nil else { return .joined }
        guard running.count < limit else { return .refused }
        let id = number()
        running[name] = Lookup(id: id, isRefresh: true)
        return .begin(id)
    }

    /// Somebody doesn't wait any longer.
    /// - Returns: Who that was, and the look-up that is to be cancelled since nobody wants it any more.
    mutating func leave(_ name: String, ticket: UInt64) -> (waiter: Waiter?, cancelled: UInt64?) {
        guard let waiter = running[name]?.waiters.removeValue(forKey: ticket) else { return (nil, nil) }
        guard let lookup = running[name], lookup.waiters.isEmpty, !lookup.isRefresh else { return (waiter, nil) }
        end(name, lookup)
        return (waiter, lookup.id)
    }

    /// Something is known before a look-up's end: those who wait get it, and the rest is awaited for those who come later.
    mutating func publish(_ name: String, id: UInt64) -> [Waiter] {
        guard running[name]?.id == id else { return [] }
        let waiters = running[name]?.waiters.values.map { $0 } ?? []
        running[name]?.waiters = [:]
        running[name]?.isRefresh = true
        return waiters
    }

    /// A look-up has ended. Nil when it was cancelled before.
    mutating func finish(_ name: String, id: UInt64) -> [Waiter]? {
        guard let lookup = running[name], lookup.id == id else { return nil }
        end(name, lookup)
        return Array(lookup.waiters.values)
    }

    private mutating func end(_ name: String, _ lookup: Lookup) {
        running[name] = nil
        guard let client = lookup.client else { return }
        Self.takeOne(of: client, from: &shares)
        Self.takeOne(of: client.program, from: &programShares)
    }

    private static func takeOne<Key>(of key: Key, from shares: inout [Key: Int]) {
        guard let count = shares[key] else { return }
        shares[key] = count > 1 ? count - 1 : nil
    }
}

extension SharedLookups: Sendable where Waiter: Sendable {}
extension SharedLookups.Lookup: Sendable where Waiter: Sendable {}
