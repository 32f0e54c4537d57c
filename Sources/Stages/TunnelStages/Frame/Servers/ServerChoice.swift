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
    mutating func choose(_ loads: [Int], at now: NIODeadline) -> Int? {
        let up = upSince.indices.filter { upSince[$0] != nil }
        switch policy {
        case .spread: return up.min { (loads[$0], $0) < (loads[$1], $1) }
        case .inOrder:
            if let used, upSince[used] != nil {
                self.used = up.first { $0 < used && hasProved($0, now) } ?? used
            } else {
                used = up.first
            }
            return used
        }
    }

    /// Those that nobody needs: connections beside that of a server that is liked better, and that is used again.
    /// - Parameter loads: How many exchanges each has.
    mutating func unneeded(_ loads: [Int], at now: NIODeadline) -> [Int] {
        guard policy == .inOrder, let used = choose(loads, at: now) else { return [] }
        return upSince.indices.filter { $0 > used && upSince[$0] != nil && loads[$0] == 0 }
    }

    private func hasProved(_ server: Int, _ now: NIODeadline) -> Bool {
        upSince[server].map { now - $0 >= Self.trial } ?? false
    }
}
