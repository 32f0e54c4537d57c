import ControlStages
import Pipeline

/// The server's process in a task: who is connected, what is open, what it reports. When it reports is decided by what the product decides by.
struct ModelledServer: Sendable {
    /// A use that is open.
    struct Open: Sendable {
        var use: Int
        var began: Moment
    }

    private static let lookInterval = 1.0

    let task: Int
    let started: Moment
    /// The agents that are connected, each with the life of its that is.
    private(set) var agents: [Int: Int] = [:]
    private(set) var open: [Open] = []
    /// When it began to end: it takes nothing new from then on.
    private(set) var drainedSince: Moment?
    /// Whether the task is protected, as the product's own rule sees it. Its seconds are those since the start.
    private(set) var protection: TaskProtection
    /// The uses that wait for its protection.
    private(set) var gated: [Int] = []
    private var moved: Moment
    /// When the keeper looks next by itself.
    var nextKeeperLook: Moment
    private var relayed: Int64 = 0
    private var goodbyes: Int64 = 0
    private var failures: Int64 = 0
    private var lastActivity: Moment
    /// What the last report that arrived has said.
    private var reported: (relayed: Int64, failures: Int64) = (0, 0)
    private var early: EarlyReport
    private var nextReport: Moment
    /// Whether somebody looks already.
    private var nextLook: Moment?

    init(task: Int, now: Moment) {
        self.task = task
        started = now
        lastActivity = now
        nextReport = now
        early = EarlyReport(after: Activity(openConnections: 0, openExchanges: 0, lastActivity: Int(now.seconds)))
        moved = now
        nextKeeperLook = now
        protection = TaskProtection(quiet: Self.keeping.quiet / .seconds(1), expiry: Self.keeping.expiry / .seconds(1), now: 0)
    }

    // MARK: - Its agents and exchanges

    mutating func connect(agent: Int, life: Int) { agents[agent] = life }

    /// A connection has ended, with GOAWAY or without.
    mutating func disconnect(agent: Int, saysGoodbye: Bool) {
        guard agents.removeValue(forKey: agent) != nil else { return }
        if saysGoodbye { goodbyes += 1 }
    }

    mutating func begin(_ use: Int, _ now: Moment) {
        open.append(Open(use: use, began: now))
        lastActivity = max(lastActivity, now)
    }

    /// The use is over; false if it wasn't open.
    mutating func end(_ use: Int, of uses: [Use], _ now: Moment, isCut: Bool = false) -> Bool {
        guard let index = open.firstIndex(where: { $0.use == use }) else { return false }
        let ended = open.remove(at: index)
        relayed += uses[use].moved(after: now - ended.began).bytes
        if isCut { failures += 1 }
        lastActivity = max(lastActivity, now)
        return true
    }

    mutating func drain(_ now: Moment) { drainedSince = drainedSince ?? now }
    var isDraining: Bool { drainedSince != nil }

    // MARK: - Its task's protection

    /// The times that servers have by default.
    static let keeping = TaskProtectionSettings()

    /// What becomes of a use that comes.
    enum Admission: Sendable, Equatable {
        case passes
        /// It waits until the task is protected.
        case waits
        /// It is given back to its agent.
        case leaves
    }

    func admission(protects: Bool, _ now: Moment) -> Admission {
        guard protects else { return .passes }
        if protection.isLeaving { return .leaves }
        return protection.passes(now: now - started) && gated.isEmpty ? .passes : .waits
    }

    mutating func gate(_ use: Int) { gated.append(use) }
    mutating func ungate(_ use: Int) -> Bool {
        guard let index = gated.firstIndex(of: use) else { return false }
        gated.remove(at: index)
        return true
    }
    mutating func ungateAll() -> [Int] {
        defer { gated = [] }
        return gated
    }

    /// Looks whether there is something to ask for, as the keeper of a task does every second.
    mutating func nextWish(of uses: [Use], _ now: Moment) -> TaskProtection.Action {
        moved = gated.isEmpty ? max(moved, figures(of: uses, now).lastActivity) : now
        let isOpen = !(open.isEmpty && gated.isEmpty) && now - moved < Self.keeping.silentStreams / .seconds(1)
        return protection.next(used: (isOpen ? now : moved) - started, now: now - started)
    }

    mutating func answered(_ answer: TaskProtection.Answer, toProtect: Bool, asked: Moment, _ now: Moment) -> TaskProtection.Action
    {
        protection.answered(answer, toProtect: toProtect, asked: asked - started, now: now - started)
    }

    mutating func declared(_ answer: TaskProtection.Answer, asked: Moment, _ now: Moment) -> TaskProtection.Action {
        protection.declared(answer, asked: asked - started, now: now - started)
    }

    /// When it looks again sooner than by itself: not a part of a millisecond too early, when it wouldn't ask.
    func retry(_ now: Moment) -> Moment? {
        protection.retry(after: now - started).map {
            Moment(milliseconds: started.milliseconds + Int(($0 * 1_000).rounded(.up)) + 1)
        }
    }

    // MARK: - What it tells of itself

    /// The bytes so far, those of open exchanges included, and the last activity.
    private func figures(of uses: [Use], _ now: Moment) -> (relayed: Int64, lastActivity: Moment) {
        var (bytes, last) = (relayed, lastActivity)
        for each in open {
            let moved = uses[each.use].moved(after: now - each.began)
            bytes += moved.bytes
            last = max(last, max(each.began, now + -moved.ago))
        }
        return (bytes, last)
    }

    /// When it has to look next; nil if somebody was told already. The reporter looks every second, but sees nothing new where nothing has
    /// changed: only after a change is the next second of interest, else the next report.
    mutating func nextLook(hasChanged: Bool, _ now: Moment) -> Moment? {
        let tick = started + ((now - started) / Self.lookInterval).rounded(.down) * Self.lookInterval + Self.lookInterval
        let next = hasChanged ? min(tick, nextReport) : nextReport
        if let nextLook, nextLook <= next { return nil }
        nextLook = next
        return next
    }

    /// Looks: true when it is time to report.
    mutating func hasToReport(of uses: [Use], _ now: Moment) -> Bool {
        if let look = nextLook, look <= now { nextLook = nil }
        return early.isDue(activity(of: uses, now)) || now >= nextReport
    }

    private func activity(of uses: [Use], _ now: Moment) -> Activity {
        Activity(
            openConnections: agents.count, openExchanges: open.count + gated.count, goodbyes: goodbyes,
            lastActivity: Int(figures(of: uses, now).lastActivity.seconds))
    }

    /// What it reports, at the time of its own clock.
    mutating func report(of uses: [Use], _ now: Moment, clock: Double, interval: Double, arrives: Bool) -> [ModelledMetrics.Datum] {
        let figures = figures(of: uses, now)
        let time = (now.seconds + clock).rounded(.down)
        early = EarlyReport(after: activity(of: uses, now))
        nextReport = now + interval
        let data = [
            ("ActiveConnections", Double(agents.count)),
            ("LastActivityEpochSeconds", (figures.lastActivity.seconds + clock).rounded(.down)),
            ("ActiveStreams", Double(open.count + gated.count)),
            ("BytesRelayed", Double(max(0, figures.relayed - reported.relayed))),
            ("Errors", Double(failures - reported.failures)),
        ].map { ModelledMetrics.Datum(name: $0.0, value: $0.1, time: time) }
        if arrives { reported = (figures.relayed, failures) }
        return data
    }
}
