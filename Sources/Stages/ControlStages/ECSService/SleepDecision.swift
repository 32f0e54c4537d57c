/// Whether a service is to be put to sleep now: a value made of what was seen, the policy and the time, and nothing else.
package enum SleepDecision: Sendable, Equatable {
    /// The service wants no task any more; a task whose server says that it is in use stays. `idle` in seconds.
    case scaleDown(reason: String, idle: Double)
    /// The service wants no task any more, and those that run are stopped whoever uses them: a limit is reached, also that of crashes in a row.
    case end(reason: String, idle: Double)
    /// The service was put to sleep, and so many tasks are in use all the same: it wants them again.
    case restore(reason: String, count: Int)
    /// The service is left as it is. `idle` in seconds; `averageActive` is the average number of connections.
    case stay(reason: String, idle: Double, averageActive: Double)

    /// Decides for a service at a time, `now` in seconds of the Unix epoch.
    package static func decide(
        _ service: ServiceView, _ activity: ActivityView, _ policy: SleepPolicy, now: Double
    ) -> SleepDecision {
        let average = activity.averageConnections(since: now - policy.idleThreshold - Double(policy.period))
        func stay(_ reason: String, idle: Double = 0) -> SleepDecision { .stay(reason: reason, idle: idle, averageActive: average) }
        if service.desired == 0 { return whileUnwanted(service, stay, now) }
        if let limit = service.limit { return .end(reason: limit, idle: 0) }
        let row = crashes(service, policy)
        let loop = crashLoop(row, policy)
        if case .inUse = service.claim {
            // Each new task of a loop says at its start that it is in use: after as many again it isn't believed.
            if let loop, row.count >= 2 * policy.crashes { return .end(reason: loop, idle: 0) }
            return stay("it is in use: the server says so")
        }
        if let loop { return .scaleDown(reason: loop, idle: 0) }
        if service.running == 0 { return starting(service, stay, policy, now) }

        let since = min(service.runningSince ?? service.deployed ?? service.begun ?? 0, now)
        let use = ActivityJudgement(activity, since: since, policy, now: now)
        let unused = now - (use?.lastUse ?? since)
        // Whoever woke it is about to connect. Those who only ever wake it don't keep it up.
        if let woken = service.woken, woken <= now + SleepPolicy.clockTolerance, now - woken < policy.cooldown,
            unused < policy.wakesOnly
        {
            return stay("it was woken a moment ago", idle: use?.idle ?? 0)
        }
        guard now - since >= policy.grace else { return stay("it has just started") }
        let isAsked = service.claim == .idle
        guard let use, activity.isComplete else {
            return withoutReports(activity.isComplete, isAsked, age: now - since, stay, policy)
        }
        return judge(use, isAsked, stay, policy)
    }

    /// Nobody wants a task. One that runs on, and that nobody has told to stop, is held by its server: somebody began to use it
    /// when it was decided that it may sleep.
    private static func whileUnwanted(
        _ service: ServiceView, _ stay: (String, Double) -> SleepDecision, _ now: Double
    ) -> SleepDecision {
        guard service.running > 0 else { return stay("it is asleep", 0) }
        guard let ended = service.ended, ended.cause == .sleep, ended.time >= (service.begun ?? 0) else {
            return stay("it is stopping", 0)
        }
        var held = 0
        if case .inUse(let count) = service.claim { held = count }
        // ECS tells what it stops to stop within seconds. What it hasn't after a minute, it won't.
        if held == 0, service.claim == .unknown, now - ended.time >= 60 { held = service.staying }
        guard held > 0 else { return stay("it is stopping", 0) }
        return .restore(reason: "it came into use while it was put to sleep", count: held)
    }

    /// The newest tasks since the last wake, as far as each of them ended by itself soon after its start. One that is still stopping
    /// isn't counted.
    private static func crashes(_ service: ServiceView, _ policy: SleepPolicy) -> ArraySlice<TaskStop> {
        let short = max(policy.grace, policy.idleThreshold)
        return service.stops.filter { $0.created >= (service.begun ?? 0) && !$0.isStopping }.sorted { $0.created > $1.created }
            .prefix { $0.isFailure && $0.life < short }
    }

    /// Why the service is stopped that only has tasks which end soon after their start; nil where it isn't so.
    private static func crashLoop(_ row: ArraySlice<TaskStop>, _ policy: SleepPolicy) -> String? {
        guard row.count >= policy.crashes, let last = row.first else { return nil }
        let reason = last.reason.map { ": \($0)" } ?? ""
        return last.started == nil
            ? "it did not start, \(row.count) times in a row\(reason)" : "it ended by itself, \(row.count) times in a row\(reason)"
    }

    /// No task runs although one is wanted: ECS would try for ever.
    private static func starting(
        _ service: ServiceView, _ stay: (String, Double) -> SleepDecision, _ policy: SleepPolicy, _ now: Double
    ) -> SleepDecision {
        // A task that ran proves that it can be started: what counts is the time since. So does a wake after the first failure;
        // without any of these, the deployment's own time is all there is.
        let lastRun = service.stops.filter { $0.started != nil }.map { $0.stopped ?? now }.max()
        let lastStart = service.stops.filter { $0.started != nil }.map(\.created).max() ?? 0
        let firstFailed = service.stops.filter { $0.started == nil && $0.created > lastStart }.map(\.created).min()
        // A wake that couldn't be written down shows in the deployment alone.
        let unwritten = service.begun == nil ? service.deployed : nil
        let since =
            [service.begun, firstFailed, lastRun, unwritten].compactMap(\.self).filter { $0 <= now }.max() ?? service.deployed
        guard let since, now - since >= policy.startDeadline else { return stay("it is starting", 0) }
        let reason = service.stopReason.map { "it did not start: \($0)" } ?? "it did not start"
        return .scaleDown(reason: reason, idle: now - since)
    }

    /// Nothing is known of what this task does, or not everything.
    private static func withoutReports(
        _ isComplete: Bool, _ isAsked: Bool, age: Double, _ stay: (String, Double) -> SleepDecision, _ policy: SleepPolicy
    ) -> SleepDecision {
        let limit = isAsked ? policy.grace + policy.missingMetrics : max(policy.unheard, policy.grace + policy.missingMetrics)
        let what = isComplete ? "it reports nothing" : "its metrics are not complete"
        guard age >= limit else { return stay(isComplete ? what + " yet" : what, 0) }
        return .scaleDown(reason: isAsked ? what + ", and it says that it is not in use" : what, idle: age)
    }

    private static func judge(
        _ use: ActivityJudgement, _ isAsked: Bool, _ stay: (String, Double) -> SleepDecision, _ policy: SleepPolicy
    ) -> SleepDecision {
        let isGone = use.lateness >= (isAsked ? policy.missingMetrics : max(policy.unheard, policy.missingMetrics))
        if isGone { return .scaleDown(reason: "it reports nothing any more", idle: use.idle) }
        // A server that can be asked has been: it isn't in use now. Another has the last word with its newest report, and the less
        // that says of now, the more of it is wanted.
        let isLate = use.lateness > policy.delay
        let needed = policy.idleThreshold + (isLate && !isAsked ? use.lateness : 0)
        if use.seenIdle >= needed { return .scaleDown(reason: "idle", idle: use.idle) }
        if isLate { return stay("its reports are late", use.idle) }
        return stay(use.seenIdle <= Double(policy.period) ? "it is in use" : "it is not idle for long enough", use.idle)
    }
}
