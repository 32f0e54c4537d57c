import NIOCore
import Synchronization

/// What `auth` knows of the clients that it has to look at closely, shared by all loops. Not touched for credentials that are missing or
/// remembered.
final class AuthClients: Sendable {
    private let guessers = Mutex(Guessers())

    /// Whether a client may have something verified that takes long, and is suspect meanwhile; nil if it has to wait.
    func begin(_ client: ClientKey, _ shares: SlowWork.Shares, at now: NIODeadline) -> Bool? {
        guessers.withLock { $0.begin(client, shares, at: now) }
    }

    func end(_ client: ClientKey) { guessers.withLock { $0.end(client) } }

    /// Credentials were wrong. Whether the answer is held back, until `release`.
    func wasWrong(_ client: ClientKey, delay: TimeAmount, at now: NIODeadline) -> Bool {
        guessers.withLock { $0.wasWrong(client, delay: delay, at: now) }
    }

    func release(_ client: ClientKey) { guessers.withLock { $0.release(client) } }
}

extension AuthEvidence {
    /// Has something verified that takes long, in its client's turn.
    ///
    /// - Parameters:
    ///   - body: Runs on another thread.
    ///   - judge: What the result of `body` means. Runs on the loop.
    func verify<Result: Sendable>(
        by work: SlowWork, on loop: any EventLoop, _ body: @escaping @Sendable () -> Result,
        judge: @escaping @Sendable (Result) -> AuthOutcome
    ) -> AuthOutcome {
        guard let isSuspect = clients.begin(client, work.shares, at: loop.now) else { return .unavailable }
        let (result, ticket) = work.run(for: client, isSuspect: isSuspect, on: loop, body)
        return .pending(
            result.map { [clients, client] result in
                clients.end(client)
                guard let outcome = result.map(judge) else { return .unavailable }
                if case .wrong = outcome { work.distrust(client) }
                return outcome
            }, ticket)
    }
}
