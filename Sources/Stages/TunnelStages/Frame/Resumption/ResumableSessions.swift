package import NIOCore
package import Pipeline
import Synchronization

/// The sessions that openers may go on with, of all loops: found by their tokens, given to those whose they are.
package final class ResumableSessions<Session>: Sendable {
    private struct Entry {
        var token: ResumptionToken
        /// The token that was used last, until its user has shown that he has the new one.
        var previous: ResumptionToken?
        let owner: SessionOwner?
        let session: NIOLoopBound<Session>
    }

    /// What a token leads to.
    package enum Claim {
        /// The session, which is named by another token from now on.
        case granted(NIOLoopBound<Session>, ResumptionToken)
        /// No session has that token.
        case unknown
        /// It is somebody else's.
        case foreign
    }

    private let entries = Mutex<[UInt64: Entry]>([:])

    /// Nobody's.
    package init() {}

    /// How many there are.
    package var count: Int { entries.withLock { $0.count } }

    /// Lets a session be found by whoever has the token and is its owner.
    package func add(_ token: ResumptionToken, _ owner: PeerIdentity?, _ session: NIOLoopBound<Session>) {
        entries.withLock { $0[token.session] = Entry(token: token, owner: owner.map(SessionOwner.init), session: session) }
    }

    /// Finds the session of a token, and names it anew.
    package func claim(_ token: ResumptionToken, by peer: PeerIdentity?) -> Claim {
        entries.withLock { entries in
            guard var entry = entries[token.session] else { return .unknown }
            // Each is compared, whichever it is.
            let isCurrent = entry.token == token
            let isPrevious = entry.previous.map { $0 == token } ?? false
            guard isCurrent || isPrevious else { return .unknown }
            guard entry.owner == peer.map(SessionOwner.init) else { return .foreign }
            let next = ResumptionToken(session: token.session)
            if isCurrent { entry.previous = token }
            entry.token = next
            entries[token.session] = entry
            return .granted(entry.session, next)
        }
    }

    /// Whoever has gone on with the session has its new token: the one before is of no use any more.
    package func confirm(_ token: ResumptionToken) {
        entries.withLock { entries in
            guard entries[token.session]?.previous != nil else { return }
            entries[token.session]?.previous = nil
        }
    }

    /// The session is over.
    package func forget(_ token: ResumptionToken) {
        entries.withLock { entries in _ = entries.removeValue(forKey: token.session) }
    }

    /// All sessions, for their end.
    package var all: [NIOLoopBound<Session>] { entries.withLock { $0.values.map(\.session) } }
}

/// Whose a session is: by the names of a certificate, which one that replaces it has as well.
struct SessionOwner: Hashable, Sendable {
    private let subject: String
    private let dnsNames: [String]
    private let uris: [String]

    init(_ peer: PeerIdentity) {
        subject = peer.subject
        dnsNames = peer.dnsNames
        uris = peer.uris
    }
}
