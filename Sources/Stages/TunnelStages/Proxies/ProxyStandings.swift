import ConfigurationLanguage
import Filters
import NIOCore
import Platform

/// How one stands with the proxies on the way: what may be tried, and when. A value without clock and connections.
///
/// Companies lock an account after a few wrong passwords. So as long as it isn't known that credentials are let in, one attempt at a time is
/// made with them, and those that were refused rest for minutes, longer each time. All other 4xx, but those that ask to come back, rest for
/// the server that was asked for.
struct ProxyStandings: Sendable {
    /// Somebody at a proxy. The credentials are known by a hash, nil for none.
    struct Account: Hashable, Sendable {
        var proxy: HostPort
        var credentials: KeyedHash.Value?
        /// How it says who it is.
        var access = ProxyAccess.usual
    }

    /// What may be done.
    enum Permission: Equatable {
        /// - Parameter habit: What the proxy took before.
        case granted(habit: ProxyHabit?)
        /// Somebody else is finding out.
        case busy
        case refused(Rest)
    }

    /// How an attempt that was granted has ended.
    enum Outcome: Sendable {
        /// - Parameter habit: What the proxy took.
        case opened(by: ProxyHabit?)
        case refused(ProxyRefusal)
        /// The proxy said nothing.
        case failed
    }

    /// A refusal that counts for a while.
    struct Rest: Sendable, Equatable {
        var refusal: ProxyRefusal
        var until: NIODeadline
        /// The same in seconds of the Unix epoch, for people.
        var time: Int
    }

    /// A time, on both clocks.
    struct Moment {
        var now: NIODeadline
        /// Seconds of the Unix epoch.
        var time: Int

        static var current: Moment { Moment(now: .now(), time: WallTime.seconds) }
    }

    private struct Standing {
        var underWay = 0
        /// Until when further attempts go without waiting for one that finds out.
        var welcomeUntil: NIODeadline?
        /// By the server that was asked for; nil for all.
        var rests: [HostPort?: Rest] = [:]
        /// How often in a row the credentials were refused.
        var refusals = 0
        var habit: ProxyHabit?

        /// What the next attempt begins with. A nonce is used without asking only as long as somebody has just been let in: a proxy that
        /// refuses it then doesn't know the nonce any more, and not that the password is wrong.
        mutating func nextHabit(isWelcome: Bool) -> ProxyHabit? {
            guard case .digest(let session)? = habit else { return habit }
            guard isWelcome else { return nil }
            habit = .digest(session.used())
            return .digest(session)
        }

        mutating func learn(_ other: ProxyHabit?) {
            // Several use one nonce, and each of them once for each number.
            if case .digest(let mine)? = habit, case .digest(let theirs)? = other, mine.challenge == theirs.challenge,
                mine.count > theirs.count
            {
                return
            }
            habit = other
        }
    }

    /// How long one that was let in vouches for the others.
    private static let welcome = TimeAmount.seconds(10)
    private static let shortRest = TimeAmount.minutes(5)
    private static let longRest = TimeAmount.minutes(60)
    private static let accountLimit = 256
    private static let serverLimit = 64

    private var standings: [Account: Standing] = [:]

    /// How many accounts are remembered, and servers of all of them.
    var remembered: (accounts: Int, servers: Int) { (standings.count, standings.values.reduce(0) { $0 + $1.rests.count }) }

    /// Whether an attempt may be made. One that is granted has to be ended by `settle`.
    mutating func ask(_ account: Account, for server: HostPort, at now: NIODeadline) -> Permission {
        var standing = standings[account] ?? Standing()
        standing.rests = standing.rests.filter { $0.value.until > now }
        if let rest = standing.rests[nil] ?? standing.rests[server] {
            standings[account] = standing
            return .refused(rest)
        }
        let isWelcome = standing.welcomeUntil.map { $0 > now } ?? false
        if standing.underWay > 0, !isWelcome { return .busy }
        standing.underWay += 1
        if standings[account] == nil { makeRoom(at: now) }
        let habit = standing.nextHabit(isWelcome: isWelcome)
        standings[account] = standing
        return .granted(habit: habit)
    }

    /// An attempt that was granted has ended. The result is how long the way rests, if it does.
    @discardableResult
    mutating func settle(_ account: Account, for server: HostPort, _ outcome: Outcome, at moment: Moment) -> Rest? {
        guard var standing = standings[account] else { return nil }
        defer { standings[account] = standing }
        standing.underWay -= 1
        switch outcome {
        case .failed: return nil
        case .opened(let habit):
            standing.learn(habit)
            standing.welcomeUntil = moment.now + Self.welcome
            standing.rests[nil] = nil
            standing.rests[server] = nil
            standing.refusals = 0
            return nil
        case .refused(let refusal):
            standing.welcomeUntil = nil
            if refusal.kind == .credentials || refusal.kind == .scheme { standing.habit = nil }
            return rest(after: refusal, account, server, &standing, moment)
        }
    }

    /// A connection through the proxy was lost: those who come again don't know whether they are still let in.
    mutating func lost(_ account: Account) { standings[account]?.welcomeUntil = nil }

    private mutating func rest(
        after refusal: ProxyRefusal, _ account: Account, _ server: HostPort, _ standing: inout Standing, _ moment: Moment
    ) -> Rest? {
        func rest(_ length: TimeAmount) -> Rest {
            // To the full second, and not before the other clock.
            let seconds = (length.nanoseconds + 999_999_999) / 1_000_000_000
            return Rest(refusal: refusal, until: moment.now + length, time: moment.time + Int(seconds))
        }
        switch refusal.kind {
        case .credentials:
            // Several may have been under way together: they are one refusal.
            if let known = standing.rests[nil], known.until > moment.now { return known }
            // Where nothing was shown, nothing can be locked.
            let doublings = account.credentials == nil ? 0 : min(standing.refusals, 10)
            let length = min(Self.shortRest.nanoseconds << Int64(doublings), Self.longRest.nanoseconds)
            standing.refusals += 1
            standing.rests[nil] = rest(.nanoseconds(length))
            return standing.rests[nil]
        case .scheme:
            standing.rests[nil] = rest(Self.shortRest)
            return standing.rests[nil]
        case .server: return remember(rest(Self.shortRest), server, &standing)
        case .passing(let after?) where after > .zero: return remember(rest(min(after, Self.shortRest)), server, &standing)
        case .passing: return nil
        }
    }

    private func remember(_ rest: Rest, _ server: HostPort, _ standing: inout Standing) -> Rest {
        if standing.rests.count >= Self.serverLimit, let first = standing.rests.min(by: { $0.value.until < $1.value.until }) {
            standing.rests[first.key] = nil
        }
        standing.rests[server] = rest
        return rest
    }

    /// Forgets an account that nobody asks for, so that there is room for another.
    private mutating func makeRoom(at now: NIODeadline) {
        guard standings.count >= Self.accountLimit else { return }
        func restsUntil(_ standing: Standing) -> NIODeadline { standing.rests.values.map(\.until).max() ?? now }
        let idle = standings.filter { $0.value.underWay == 0 }
        guard let first = idle.min(by: { restsUntil($0.value) < restsUntil($1.value) }) else { return }
        standings[first.key] = nil
    }
}
