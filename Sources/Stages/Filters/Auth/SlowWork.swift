import NIOCore
import NIOPosix
import Synchronization

/// Runs work that takes long on threads, a few at a time, each client's in its turn. What waits has a limit for all together, and a time:
/// whoever sends wrong passwords can't take all of the machine, nor the turn of others.
final class SlowWork: Sendable {
    /// How much one client may have under way, waiting or being run, while it isn't suspect and while it is.
    struct Shares: Sendable {
        var trusted: Int
        var suspect: Int
    }

    /// Somebody who waits for a result. What nobody waits for any longer isn't begun.
    final class Ticket: Sendable {
        private let isGivenUp = Atomic<Bool>(false)

        func giveUp() { isGivenUp.store(true, ordering: .relaxed) }
        fileprivate var isWanted: Bool { !isGivenUp.load(ordering: .relaxed) }
    }

    private struct Work: Sendable {
        var ticket: Ticket
        var until: NIODeadline
        var run: @Sendable () -> Void
        var leave: @Sendable () -> Void

        var isWanted: Bool { ticket.isWanted && until > .now() }
    }

    private struct State {
        var running = 0
        var waiting: FairQueue<ClientKey, Work>
    }

    let shares: Shares
    private let width: Int
    private let patience: TimeAmount
    private let state: Mutex<State>

    /// - Parameters:
    ///   - width: How much is run at once.
    ///   - waitingLimit: How much may wait, of all clients together.
    ///   - patience: How long it may take until work is begun.
    init(
        width: Int = 2, waitingLimit: Int = 256, shares: Shares = Shares(trusted: 64, suspect: 8),
        patience: TimeAmount = .seconds(10)
    ) {
        self.width = width
        self.patience = patience
        self.shares = shares
        state = Mutex(State(waiting: FairQueue(limit: waitingLimit)))
    }

    /// The result, on the loop; nil when there is too much to do, or was for too long.
    func run<Result: Sendable>(
        for client: ClientKey, isSuspect: Bool, on loop: any EventLoop, _ body: @escaping @Sendable () -> Result
    ) -> (result: EventLoopFuture<Result?>, ticket: Ticket) {
        let promise = loop.makePromise(of: Result?.self)
        let ticket = Ticket()
        let work = Work(
            ticket: ticket, until: .now() + patience, run: { promise.succeed(body()) }, leave: { promise.succeed(nil) })
        let (isNext, leaving) = state.withLock { state -> (Bool, [Work]) in
            guard state.running >= width else {
                state.running += 1
                return (true, [])
            }
            // Who has left takes nobody's place.
            var leaving = state.waiting.isFull ? state.waiting.removeAll { !$0.isWanted } : []
            if let other = state.waiting.append(work, of: client, isSuspect: isSuspect) { leaving.append(other) }
            return (false, leaving)
        }
        for each in leaving { each.leave() }
        if isNext { submit(work) }
        return (promise.futureResult, ticket)
    }

    /// What a client has sent turned out to be wrong: what else it has waits behind others'.
    func distrust(_ client: ClientKey) { state.withLock { $0.waiting.distrust(client) } }

    private func submit(_ work: Work) {
        NIOThreadPool.singleton.submit { _ in
            work.run()
            if let next = self.next() { self.submit(next) }
        }
    }

    /// What is to be run now that something has ended. What has waited for too long, or for nobody, is left out.
    private func next() -> Work? {
        while true {
            let next = state.withLock { state -> Work? in
                if let next = state.waiting.popFirst() { return next }
                state.running -= 1
                return nil
            }
            guard let next else { return nil }
            if next.isWanted { return next }
            next.leave()
        }
    }
}
