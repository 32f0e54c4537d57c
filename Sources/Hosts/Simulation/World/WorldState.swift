import Pipeline

/// Everything that changes in a simulation: a value that is told what happens and the time. What it can't do itself it leaves in `effects`.
struct WorldState: Sendable {
    /// What is to be done outside of the value.
    enum Effect: Sendable {
        case at(SimulatedEvent, Moment)
        case startAgent(Int)
        case endAgent(ModelledAgent, kills: Bool)
        /// The presence learns that its connection stands, or is no more, or that somebody wants one.
        case up(ServerPresence)
        case down(ServerPresence)
        case want(ServerPresence)
        /// A function runs.
        case check
        case kill
    }

    let scenario: Scenario
    let start: Moment
    /// What goes wrong all the time; nil where that changes.
    private let always: Troubles?
    var effects: [Effect] = []
    var service: ModelledService
    var metrics = ModelledMetrics()
    var servers: [Int: ModelledServer] = [:]
    var agents: [ModelledAgent]
    var ledger = Ledger()
    /// Who made the service want no task last.
    var lowered: ModelledAWS.Caller?
    /// Who has stopped a task by name.
    var stoppers: [Int: ModelledAWS.Caller] = [:]
    /// The service as the last idle check found it asleep.
    var asleepSince: (version: Int, time: Moment)?
    private var idleSince: Moment?
    /// How many reports in a row were lost until now, and the longest such row since a task is there for nobody.
    private var lostInARow = 0
    private var longestLoss = 0
    private var tallied: Moment
    var taskChance: Chance
    var metricsChance: Chance
    var callChance: Chance
    var functionChance: Chance

    init(_ scenario: Scenario, start: Moment) {
        self.scenario = scenario
        self.start = start
        always = scenario.faults.allSatisfy { $0.from <= 0 && $0.until == .infinity } ? Troubles(scenario.faults, at: 0) : nil
        tallied = start
        service = ModelledService(now: start)
        agents = Array(repeating: ModelledAgent(), count: (scenario.uses.map(\.agent).max() ?? 0) + 1)
        taskChance = Chance(seed: scenario.seed, part: .tasks)
        metricsChance = Chance(seed: scenario.seed, part: .metrics)
        callChance = Chance(seed: scenario.seed, part: .calls)
        functionChance = Chance(seed: scenario.seed, part: .functions)
    }

    func troubles(_ now: Moment) -> Troubles { always ?? Troubles(scenario.faults, at: now - start) }

    // MARK: - Accounts

    /// How many uses are open or wait.
    var inUse: Int { servers.values.reduce(0) { $0 + $1.open.count + $1.gated.count } + agents.reduce(0) { $0 + $1.waiting.count } }

    /// Counts the time since it was called last, in which nothing has changed.
    mutating func tally(_ now: Moment) {
        let passed = now - tallied
        tallied = now
        guard passed > 0 else { return }
        let alive = service.tasks.count { $0.isAlive }
        ledger.taskSeconds += passed * Double(alive)
        if alive > 0, inUse > 0 { ledger.usedSeconds += passed }
    }

    /// Notes when a task begins to be there for nobody, and when that ends.
    mutating func noteIdleness(_ now: Moment) {
        let isIdle = service.tasks.contains { $0.isAlive } && inUse == 0
        if isIdle, idleSince == nil { (idleSince, longestLoss) = (now, lostInARow) }
        guard !isIdle, let since = idleSince else { return }
        idleSince = nil
        if now - since > 0 { ledger.idlenesses.append(.init(from: since, until: now, lostReports: longestLoss)) }
    }

    /// A report was lost, or wasn't.
    mutating func noteReport(isLost: Bool) {
        lostInARow = isLost ? lostInARow + 1 : 0
        longestLoss = max(longestLoss, lostInARow)
    }

    /// What is still open when the time is over.
    mutating func close(_ now: Moment) {
        tally(now)
        if let idleSince { ledger.idlenesses.append(.init(from: idleSince, until: now, lostReports: longestLoss)) }
        idleSince = nil
        for index in agents.indices { agents[index].presence = nil }
    }

    // MARK: - Functions

    /// An idle check is due. While the service sleeps and nothing changes it would find the same every time: then one in six hours is enough.
    mutating func check(_ now: Moment) {
        if let asleep = asleepSince, asleep.version == service.version, now - asleep.time < 21_600 { return }
        effects.append(.check)
    }

    mutating func scheduleCheck(_ now: Moment) {
        let troubles = troubles(now)
        effects.append(.at(.check(isScheduled: true), now + scenario.checkInterval))
        var delay = 0.0
        if troubles.late > 0 { delay = functionChance.between(0, troubles.late) }
        if delay > 0 { effects.append(.at(.check(isScheduled: false), now + delay)) } else { check(now) }
        if functionChance.happens(troubles.twice) {
            effects.append(.at(.check(isScheduled: false), now + delay + functionChance.between(0, 90)))
        }
    }
}
