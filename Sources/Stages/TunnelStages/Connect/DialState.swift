import NIOCore
import Platform

/// Where the connection to the server stands, and when the server is dialled next. A value without clock, connection and proxies: it gets
/// what happened and the time, and returns what is to be done.
///
/// A round is one attempt by each way, until one leads to the server. Between rounds it rests.
struct DialState {
    /// What the end of an attempt or of a connection makes necessary.
    enum OnFailure: Equatable {
        /// The connection was lost that worked.
        case redial(in: TimeAmount)
        /// The next way is tried at once, or the same one to another address: waiting comes when all have been tried.
        case tryNext
        /// No way led to the server.
        case rest(TimeAmount, because: String)
        /// Nobody wants one any more.
        case nothing
    }

    /// Why a way didn't lead to the server.
    struct Fault {
        var sentence: String
        /// For how long it won't, where that is known.
        var rest: ProxyStandings.Rest?
        /// Only a change of a configuration or of a certificate can mend it.
        var isLasting = false
        /// It leads to a server with which this side doesn't go together.
        var isMismatch = false
        /// The same way may lead to another of the server's addresses, at which none was tried in this round.
        var hasOtherAddress = false
    }

    private struct Round {
        var ways: Int
        var way = 0
        /// The way by which the server is looked for in another place first, which is no way of its own: what comes of it doesn't count.
        var detour: Int?
        var faults: [String] = []
        var rests: [ProxyStandings.Rest] = []
        var isLasting = false
        var isMismatch = false

        mutating func add(_ fault: Fault) {
            isLasting = (faults.isEmpty || isLasting) && fault.isLasting
            isMismatch = isMismatch || fault.isMismatch
            // Of several addresses of a way mostly the same is to be said.
            if !faults.contains(fault.sentence) { faults.append(fault.sentence) }
            if let rest = fault.rest { rests.append(rest) }
        }
    }

    private struct Pause {
        /// In the distant future while it has to be found out first where the server is, or whether it is there.
        var until = NIODeadline.distantFuture
        /// Another round before that may succeed: what was in the way of the last may be over at any moment.
        var mayHasten = false
        /// What ends first where all ways rest: before that, no attempt can succeed.
        var allRest: ProxyStandings.Rest?
    }

    private enum Phase {
        case resting(Pause)
        case dialing(Round)
        /// There is a connection; its user hasn't said that it works.
        case connected(Round)
        case up(way: Int)
        case stopped
    }

    /// How long somebody who wants a connection waits for it.
    private let patience: TimeAmount
    /// The longest rest while a server is being woken.
    private let retryInterval: TimeAmount?
    private var phase = Phase.resting(Pause())
    private var pace = DialPace()
    private var backoff = Backoff()
    /// For what only a change of a configuration or of a certificate can mend.
    private var patientBackoff = Backoff(first: .seconds(10), longest: .seconds(60))

    init(patience: TimeAmount, retryInterval: TimeAmount? = nil) {
        self.patience = patience
        self.retryInterval = retryInterval
    }

    /// The connection works.
    var isUp: Bool { if case .up = phase { true } else { false } }

    /// There is no connection, and none is being made.
    var isResting: Bool { if case .resting = phase { true } else { false } }

    /// The way that is tried or used.
    var way: Int {
        switch phase {
        case .dialing(let round), .connected(let round): round.detour ?? round.way
        case .up(let way): way
        case .resting, .stopped: 0
        }
    }

    /// What is tried is the server's other place.
    var isDetour: Bool {
        switch phase {
        case .dialing(let round), .connected(let round): round.detour != nil
        case .resting, .up, .stopped: false
        }
    }

    /// All ways rest for longer than that, or because of a refusal that mostly takes a change of something to mend.
    func isHopeless(for wait: TimeAmount, at now: NIODeadline) -> Bool {
        guard case .resting(let pause) = phase, let rest = pause.allRest else { return false }
        if case .passing = rest.refusal.kind { return rest.until - now > wait }
        return true
    }

    // MARK: - What happens

    /// The next attempt is due.
    ///
    /// - Parameters:
    ///   - ways: How many there are; nil while nobody knows where the server is, or nobody has woken it.
    ///   - detour: The way by which the server is to be looked for in another place, before a round is begun.
    /// - Returns: The way to be tried.
    mutating func dial(ways: Int?, detour: Int? = nil, at now: NIODeadline) -> Int? {
        switch phase {
        case .resting(var pause):
            guard let ways else {
                pause.until = .distantFuture
                phase = .resting(pause)
                return nil
            }
            phase = .dialing(Round(ways: ways, detour: detour))
        case .dialing:
            guard ways != nil else {
                phase = .resting(Pause())
                return nil
            }
        case .connected, .up, .stopped: return nil
        }
        if isDetour || way == 0 { pace.began(at: now) }
        return way
    }

    /// What was found out or begun makes another attempt worthwhile at once. True if it is to be made.
    mutating func heardOfServer() -> Bool {
        guard case .resting = phase else { return false }
        backoff.reset()
        patientBackoff.reset()
        return true
    }

    /// Somebody wants a connection. The result is when the next round is to be, if that is sooner than it would be.
    ///
    /// Not where only a change of something mends what is in the way: a password or a certificate that is refused isn't shown more often
    /// because somebody asks.
    mutating func want(isWorthDialing: Bool, at now: NIODeadline) -> TimeAmount? {
        switch phase {
        case .up, .stopped: return nil
        case .dialing, .connected:
            _ = pace.want(until: now + patience, at: now)
            return nil
        case .resting(var pause):
            let wait = pace.want(until: now + patience, at: now)
            guard pause.mayHasten, isWorthDialing, pause.until > now + wait else { return nil }
            pause.until = now + wait
            phase = .resting(pause)
            return wait
        }
    }

    /// A connection has been made. False if nobody wants it any more.
    mutating func connected() -> Bool {
        guard case .dialing(let round) = phase else { return false }
        phase = .connected(round)
        return true
    }

    /// The connection's user says that it works. False if it isn't the connection any more.
    mutating func established() -> Bool {
        guard case .connected(let round) = phase else { return false }
        phase = .up(way: round.detour ?? round.way)
        backoff.reset()
        patientBackoff.reset()
        return true
    }

    /// The server takes nothing new on the connection: another is opened while it finishes. The result is when.
    mutating func retired(at now: NIODeadline, using generator: inout some RandomNumberGenerator) -> TimeAmount? {
        switch phase {
        case .connected(let round): rest(after: round, at: now, using: &generator)
        case .up: rest(after: Round(ways: 1), at: now, using: &generator)
        case .resting, .dialing, .stopped: nil
        }
    }

    /// The connection was lost, or one of the ways doesn't lead to the server.
    mutating func failed(_ fault: Fault, at now: NIODeadline, using generator: inout some RandomNumberGenerator) -> OnFailure {
        switch phase {
        case .up:
            return .redial(in: rest(after: Round(ways: 1), at: now, using: &generator))
        case .dialing(var round), .connected(var round):
            guard round.detour == nil else {
                round.detour = nil
                phase = .dialing(round)
                return .tryNext
            }
            round.add(fault)
            guard !fault.hasOtherAddress else {
                phase = .dialing(round)
                return .tryNext
            }
            guard round.way + 1 < round.ways else {
                return .rest(rest(after: round, at: now, using: &generator), because: round.faults.joined(separator: "; "))
            }
            round.way += 1
            phase = .dialing(round)
            return .tryNext
        case .resting, .stopped:
            return .nothing
        }
    }

    mutating func stop() { phase = .stopped }

    /// Nobody needs a connection for now. False if there is none.
    mutating func unneeded() -> Bool {
        guard case .up = phase else { return false }
        phase = .resting(Pause(mayHasten: true))
        return true
    }

    private mutating func rest(
        after round: Round, at now: NIODeadline, using generator: inout some RandomNumberGenerator
    ) -> TimeAmount {
        let allRest = round.rests.count == round.ways ? round.rests.min { $0.until < $1.until } : nil
        let mayHasten = !round.isLasting && !round.isMismatch && allRest == nil
        var wait = round.isLasting ? patientBackoff.next(using: &generator) : backoff.next(using: &generator)
        if mayHasten { wait = pace.wait(wait, at: now) }
        if let retryInterval { wait = min(wait, retryInterval) }
        // Nothing that is known to be of no use before some time is tried before that.
        if let allRest { wait = max(wait, allRest.until - now) }
        phase = .resting(Pause(until: now + wait, mayHasten: mayHasten, allRest: allRest))
        return wait
    }
}
