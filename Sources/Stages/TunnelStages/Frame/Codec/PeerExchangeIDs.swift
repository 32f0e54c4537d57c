import Pipeline
import Synchronization

/// The ids that the other end of a session gives its exchanges, and that are taken over here. A peer says what it likes; so an id counts only
/// from a peer that has shown a certificate, and only while no other peer has said ids of the same maker. One that doesn't count is replaced by
/// a new one. Confined to its session's loop.
final class PeerExchangeIDs {
    /// Of how many makers the ids of one session may be: an agent's event loops, and those of agents behind it.
    static let makerLimit = 64

    private let connection: Inbound
    /// By what the peer is known, once it has said an id: by then its certificate is.
    private var holder: String?
    private let makers: ExchangeIDMakers
    private var last: UInt32?
    private var granted: Set<UInt32> = []

    /// - Parameter makers: Who has which, for all sessions that are told apart.
    init(_ connection: Inbound, makers: ExchangeIDMakers = .process) {
        self.connection = connection
        self.makers = makers
    }

    deinit {
        guard let holder else { return }
        for maker in granted { makers.release(maker, of: holder) }
    }

    /// The id that an exchange has here; nil where it is to have one of its own.
    func id(_ said: UInt64?) -> ExchangeID? {
        guard let said else { return nil }
        let id = ExchangeID(rawValue: said)
        if last == id.maker { return id }
        guard let holder = holder ?? connection.identity?.publicKeyHash else { return nil }
        self.holder = holder
        if !granted.contains(id.maker) {
            guard granted.count < Self.makerLimit, makers.claim(id.maker, for: holder) else { return nil }
            granted.insert(id.maker)
        }
        last = id.maker
        return id
    }
}

@available(*, unavailable)
extension PeerExchangeIDs: Sendable {}

/// Which peer has said ids of which maker. Each is known by its certificate's key; several sessions of one peer share what it has said.
final class ExchangeIDMakers: Sendable {
    /// That of this process.
    static let process = ExchangeIDMakers()

    private struct Claim {
        var holder: String
        var sessions: Int
    }

    private let claims = Mutex<[UInt32: Claim]>([:])

    /// Whether the ids of a maker count for a peer. The claim is given up with `release`, once for each session.
    func claim(_ maker: UInt32, for holder: String) -> Bool {
        claims.withLock { claims in
            if let claim = claims[maker], claim.holder != holder { return false }
            claims[maker, default: Claim(holder: holder, sessions: 0)].sessions += 1
            return true
        }
    }

    /// A session of the peer is over.
    func release(_ maker: UInt32, of holder: String) {
        claims.withLock { claims in
            guard let claim = claims[maker], claim.holder == holder else { return }
            if claim.sessions > 1 { claims[maker]?.sessions -= 1 } else { claims[maker] = nil }
        }
    }
}
