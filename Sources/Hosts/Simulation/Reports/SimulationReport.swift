/// What a simulation comes to: hours, costs, what was cut and why.
package struct SimulationReport: Sendable, Equatable {
    /// Something that somebody may want to look into.
    package struct Finding: Sendable, Equatable {
        /// What sort of thing it is, as a word for programs.
        package var kind: String
        /// When it was.
        package var time: Moment
        /// What happened and why, as a sentence's end.
        package var what: String
    }

    /// Days of the month that costs are reckoned for.
    private static let month = 30.0
    /// A wait above which somebody waited for a start, in seconds.
    package static let startWait = 1.0

    /// How many days were simulated.
    package let days: Int
    /// What chance began with.
    package let seed: UInt64
    /// How many agents there were.
    package let agents: Int
    /// How many uses were wanted.
    package let uses: Int
    /// How many of them came to their end.
    package let served: Int
    /// How many of them got no answer.
    package let refused: Int
    /// The hours of all tasks.
    package let hoursUp: Double
    /// The hours in which somebody used the server or waited for it.
    package let hoursUsed: Double
    /// What the tasks have cost, in dollars.
    package let cost: Double
    /// What an hour of a task costs, in dollars.
    package let pricePerHour: Double
    /// How often the service was made to want a task.
    package let wakes: Int
    /// How many tasks were made.
    package let tasks: Int
    /// How many processes crashed.
    package let crashes: Int
    /// How often Spot took its capacity back.
    package let reclaims: Int
    /// How often it was decided that the service may sleep.
    package let sleeps: Int
    /// How often somebody used the server then, or waited for it.
    package let wrongSleeps: Int
    /// How many uses were cut because of such a decision.
    package let cutBySleep: Int
    /// How many uses were cut by anything else.
    package let cutOtherwise: Int
    /// How many uses waited for a start.
    package let waitingUses: Int
    /// Their wait until the first byte in the middle, in seconds.
    package let medianWait: Double
    /// The wait that 19 of 20 had at most, in seconds.
    package let highWait: Double
    /// The longest wait, in seconds.
    package let longestWait: Double
    /// Above how many seconds a task that is there for nobody is a finding; each report that was lost in a row adds the time to the next.
    package let idleBound: Double
    /// How often a task was there for nobody for longer.
    package let idleTooLong: Int
    /// The hours beyond the bound, of all those times.
    package let hoursTooLong: Double
    /// The longest time that a task was there for nobody, in seconds.
    package let longestIdle: Double
    /// What the idle check answered, how often, the most frequent first.
    package let answers: [(reason: String, count: Int)]
    /// What went wrong in functions, and how often.
    package let failures: [(reason: String, count: Int)]
    /// In the order of their moments.
    package let findings: [Finding]

    /// What thirty such days cost, in dollars.
    package var costPerMonth: Double { days > 0 ? cost * Self.month / Double(days) : 0 }
    /// The hours in which nobody used the server or waited for it.
    package var hoursForNobody: Double { max(0, hoursUp - hoursUsed) }

    /// What a run comes to.
    package init(_ ledger: Ledger, of scenario: Scenario) {
        days = scenario.days
        seed = scenario.seed
        agents = Set(scenario.uses.map(\.agent)).count
        uses = scenario.uses.count
        served = ledger.served
        refused = ledger.refusals.count
        hoursUp = ledger.taskSeconds / 3_600
        hoursUsed = ledger.usedSeconds / 3_600
        pricePerHour = scenario.pricePerHour
        cost = ledger.taskSeconds / 3_600 * scenario.pricePerHour
        wakes = ledger.wakes
        tasks = ledger.tasks
        crashes = ledger.crashes
        reclaims = ledger.reclaims
        sleeps = ledger.sleeps.count
        wrongSleeps = ledger.sleeps.count { $0.uses > 0 }
        cutBySleep = ledger.cuts.count { $0.cause.isOurs }
        cutOtherwise = ledger.cuts.count - ledger.cuts.count { $0.cause.isOurs }
        let waits = ledger.waits.filter { $0 > Self.startWait }.sorted()
        waitingUses = waits.count
        medianWait = Self.quantile(waits, 0.5)
        highWait = Self.quantile(waits, 0.95)
        longestWait = waits.last ?? 0
        let bound = scenario.idleBound
        idleBound = bound
        func excess(_ idleness: Ledger.Idleness) -> Double {
            idleness.length - bound - Double(idleness.lostReports) * scenario.reportInterval
        }
        let tooLong = ledger.idlenesses.filter { excess($0) > 0 }
        idleTooLong = tooLong.count
        hoursTooLong = tooLong.reduce(0) { $0 + excess($1) } / 3_600
        longestIdle = ledger.idlenesses.map(\.length).max() ?? 0
        answers = Self.ranked(ledger.answers)
        failures = Self.ranked(ledger.failures)
        findings = Self.findings(ledger, tooLong)
    }

    private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.down)))]
    }

    private static func ranked(_ counts: [String: Int]) -> [(reason: String, count: Int)] {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (reason: $0.key, count: $0.value) }
    }

    private static func findings(_ ledger: Ledger, _ tooLong: [Ledger.Idleness]) -> [Finding] {
        var findings: [Finding] = []
        for cut in ledger.cuts {
            let what = "\(cut.use.words) was cut: \(cut.cause.words)"
            findings.append(Finding(kind: cut.cause.isOurs ? "cut-by-sleep" : "cut", time: cut.time, what: what))
        }
        for sleep in ledger.sleeps where sleep.uses > 0 {
            let uses = sleep.uses == 1 ? "a use that was" : "\(sleep.uses) uses that were"
            findings.append(
                Finding(kind: "wrong-sleep", time: sleep.time, what: "put to sleep under \(uses) open or waiting: \(sleep.reason)"))
        }
        for refusal in ledger.refusals {
            findings.append(
                Finding(kind: "refused", time: refusal.time, what: "\(refusal.use.words) got no answer: \(refusal.reason)"))
        }
        for idleness in tooLong {
            let minutes = Int((idleness.length / 60).rounded())
            findings.append(
                Finding(
                    kind: "idle-too-long", time: idleness.from, what: "a task was there for nobody for \(minutes) minutes from here"
                ))
        }
        return findings.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }

    package static func == (left: SimulationReport, right: SimulationReport) -> Bool { left.text() == right.text() }
}

extension Ledger.Cause {
    /// The cause as a sentence's end.
    package var words: String {
        switch self {
        case .sleep(let reason): "the control plane put it to sleep (\(reason))"
        case .kill: "the server was killed"
        case .limit(let reason): "the control plane ended it (\(reason))"
        case .scaledIn: "ECS stopped a task that was too many"
        case .restarted: "the task was stopped by hand"
        case .reclaimed: "Spot took the capacity back"
        case .crashed: "the server crashed"
        }
    }
}

extension Use {
    /// What it is, for people.
    package var words: String {
        let noun =
            switch kind {
            case .request: "a request"
            case .transfer: "a transfer"
            case .events: "an event stream"
            case .silent: "a silent stream"
            }
        return "\(noun) of \(Int(duration.rounded())) s by agent \(agent + 1)"
    }
}
