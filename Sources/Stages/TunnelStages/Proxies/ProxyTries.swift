import ConfigurationLanguage
import Filters
import NIOCore
import Synchronization

/// What this process tries with proxies on the way: all event loops, pipelines and generations ask here, or each of them would send a
/// password that is refused. Touched when a connection to the server is dialled or lost.
final class ProxyTries: Sendable {
    /// Those of this process.
    static let process = ProxyTries()

    /// What may be done with a proxy.
    enum Answer {
        case granted(ProxyTry)
        case refused(ProxyStandings.Rest)
        /// Another attempt is under way; its end is told on the loop.
        case busy(EventLoopFuture<Ending>)
    }

    /// How an attempt of somebody else ended.
    struct Ending: Sendable {
        var server: HostPort
        /// Why nothing is known by it; nil if something is, and asking again tells.
        var failure: String?
    }

    private struct State {
        var standings = ProxyStandings()
        var waiting: [ProxyStandings.Account: [EventLoopPromise<Ending>]] = [:]
    }

    private let state = Mutex(State())
    /// Credentials themselves aren't kept.
    private let hash = KeyedHash()

    /// Whether the server may be asked for at a proxy.
    ///
    /// - Parameter access: How one says there who one is: with another one, another attempt is made.
    func ask(
        _ proxy: ProxyAddress, by access: ProxyAccess = .usual, for server: HostPort, on loop: any EventLoop
    ) -> Answer {
        let account = account(proxy, access)
        let server = server.normalized
        return state.withLock { state in
            switch state.standings.ask(account, for: server, at: .now()) {
            case .granted(let habit):
                return .granted(ProxyTry(account: account, server: server, habit: habit, tries: self))
            case .refused(let rest): return .refused(rest)
            case .busy:
                let promise = loop.makePromise(of: Ending.self)
                state.waiting[account, default: []].append(promise)
                return .busy(promise.futureResult)
            }
        }
    }

    /// A connection that a proxy had opened was lost.
    func lost(_ proxy: ProxyAddress, by access: ProxyAccess = .usual) {
        let account = account(proxy, access)
        state.withLock { $0.standings.lost(account) }
    }

    fileprivate func settle(
        _ account: ProxyStandings.Account, _ server: HostPort, _ outcome: ProxyStandings.Outcome, failure: String?
    ) -> ProxyStandings.Rest? {
        let (rest, waiting) = state.withLock { state in
            (
                state.standings.settle(account, for: server, outcome, at: .current),
                state.waiting.removeValue(forKey: account) ?? []
            )
        }
        for promise in waiting { promise.succeed(Ending(server: server, failure: failure)) }
        return rest
    }

    private func account(_ proxy: ProxyAddress, _ access: ProxyAccess) -> ProxyStandings.Account {
        ProxyStandings.Account(
            proxy: HostPort(host: proxy.host, port: proxy.port).normalized,
            credentials: proxy.credentials.map { hash($0.revealed[...], access.text[...]) }, access: access)
    }
}

/// One attempt that was granted. Others may wait for its end, which it has in any case: at the latest when nobody holds it any longer.
final class ProxyTry {
    /// What the proxy took before.
    let habit: ProxyHabit?
    fileprivate let account: ProxyStandings.Account
    fileprivate let server: HostPort
    private let tries: ProxyTries
    private var isSettled = false

    fileprivate init(account: ProxyStandings.Account, server: HostPort, habit: ProxyHabit?, tries: ProxyTries) {
        self.account = account
        self.server = server
        self.habit = habit
        self.tries = tries
    }

    deinit { failed("the attempt was given up") }

    /// The proxy has opened the way.
    func opened(by habit: ProxyHabit?) { settle(.opened(by: habit), failure: nil) }

    /// The proxy has refused. The result is how long the way rests, if it does; those who wait hear of that by asking again.
    func refused(_ refusal: ProxyRefusal) -> ProxyStandings.Rest? {
        settle(.refused(refusal), failure: refusal.rests ? nil : refusal.reason)
    }

    /// Nothing is known by it.
    func failed(_ reason: String) { settle(.failed, failure: reason) }

    @discardableResult
    private func settle(_ outcome: ProxyStandings.Outcome, failure: String?) -> ProxyStandings.Rest? {
        guard !isSettled else { return nil }
        isSettled = true
        return tries.settle(account, server, outcome, failure: failure)
    }
}

@available(*, unavailable)
extension ProxyTry: Sendable {}

extension HostPort {
    /// In lower case and without a dot at its end, as names are compared.
    var normalized: HostPort {
        let name = host.lowercased()
        return HostPort(host: name.hasSuffix(".") ? String(name.dropLast()) : name, port: port)
    }
}
