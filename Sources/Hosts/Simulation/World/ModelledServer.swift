import ControlStages

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
    private(set) var isDraining = false
    private var relayed: Int64 = 0
    private var goodbyes: Int64 = 0
    private var failures: Int64 = 0
    private var lastActivity: Moment
    /// What the last report that arrived has said.
    private var reported: (relayed: Int64, failures: Int64) = (0, 0)
    private var departure = AgentsDeparture(goodbyes: 0)
    private var nextReport: Moment
    /// Whether somebody looks already.
    private var nextLook: Moment?

    init(task: Int, now: Moment) {
        self.task = task
        started = now
        lastActivity = now
        nextReport = now
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

    mutating func drain() { isDraining = true }

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
    mutating func hasToReport(_ now: Moment) -> Bool {
        if let look = nextLook, look <= now { nextLook = nil }
        return now >= nextReport || departure.isComplete(connections: agents.count, goodbyes: goodbyes)
    }

    /// What it reports, at the time of its own clock.
    mutating func report(of uses: [Use], _ now: Moment, clock: Double, interval: Double, arrives: Bool) -> [ModelledMetrics.Datum] {
        let figures = figures(of: uses, now)
        let time = (now.seconds + clock).rounded(.down)
        departure = AgentsDeparture(goodbyes: goodbyes)
        nextReport = now + interval
        let data = [
            ("ActiveConnections", Double(agents.count)),
            ("LastActivityEpochSeconds", (figures.lastActivity.seconds + clock).rounded(.down)),
            ("ActiveStreams", Double(open.count)), ("BytesRelayed", Double(max(0, figures.relayed - reported.relayed))),
            ("Errors", Double(failures - reported.failures)),
        ].map { ModelledMetrics.Datum(name: $0.0, value: $0.1, time: time) }
        if arrives { reported = (figures.relayed, failures) }
        return data
    }
}
