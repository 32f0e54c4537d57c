import NIOCore
import Pipeline

/// To which of several servers an exchange goes. A value without clock and connections.
struct ServerChoice {
    /// How long a server has to be up before exchanges go back to it from one that is liked less.
    static let trial = TimeAmount.seconds(10)

    private let policy: ServerAlternatives.Policy
    /// Since when each is up; nil for one that is down.
    private var upSince: [NIODeadline?]
    /// In order: the one that exchanges go to.
    private var used: Int?

    init(_ policy: ServerAlternatives.Policy, count: Int) {
        self.policy = policy
        upSince = Array(repeating: nil, count: count)
    }

    /// Whether any can take an exchange.
    var isAnyUp: Bool { upSince.contains { $0 != nil } }

    func isUp(_ server: Int) -> Bool { upSince[server] != nil }

    /// A server is up, or down. True if it wasn't so before.
    mutating func note(_ server: Int, isUp: Bool, at now: NIODeadline) -> Bool {
        guard (upSince[server] != nil) != isUp else { return false }
        upSince[server] = isUp ? now : nil
        if !isUp, used == server { used = upSince.firstIndex { $0 != nil } }
        return true
    }

    /// The server for the next exchange; nil while none is up.
    /// - Parameter loads: How many exchanges each has.
    mutating func choose<Loads: RandomAccessCollection>(_ loads: Loads, at now: NIODeadline) -> Int?
    where Loads.Element == Int, Loads.Index == Int {
        // Once for each exchange: without a list of its own.
        switch policy {
        case .spread:
            var least: (server: Int, load: Int)?
            for server in upSince.indices where upSince[server] != nil {
                let load = loads[server]
                if least.map({ load < $0.load }) ?? true { least = (server, load) }
            }
            return least?.server
        case .inOrder:
            if let used, upSince[used] != nil {
                self.used = upSince[..<used].indices.first { hasProved($0, now) } ?? used
            } else {
                used = upSince.firstIndex { $0 != nil }
            }
            return used
        }
    }

    /// Those that nobody needs: connections beside that of a server that is liked better, and that is used again.
    /// - Parameter loads: How many exchanges each has.
    mutating func unneeded<Loads: RandomAccessCollection>(_ loads: Loads, at now: NIODeadline) -> [Int]
    where Loads.Element == Int, Loads.Index == Int {
        guard policy == .inOrder, let used = choose(loads, at: now) else { return [] }
        return upSince.indices.filter { $0 > used && upSince[$0] != nil && loads[$0] == 0 }
    }

    private func hasProved(_ server: Int, _ now: NIODeadline) -> Bool {
        upSince[server].map { now - $0 >= Self.trial } ?? false
    }
}
