/// Whether a service is to be put to sleep now: a value made of what was seen, the policy and the time, and nothing else.
package enum SleepDecision: Sendable, Equatable {
    /// The service is put to sleep; `idle` in seconds.
    case scaleDown(reason: String, idle: Double)
    /// The service is left as it is. `idle` in seconds; `averageActive` is the average number of connections.
    case stay(reason: String, idle: Double, averageActive: Double)

    /// Decides for a service at a time, `now` in seconds of the Unix epoch.
    package static func decide(
        _ service: ServiceView, _ activity: ActivityView, _ policy: SleepPolicy, now: Double
    ) -> SleepDecision {
        if service.desired == 0 {
            return stay(service.running > 0 ? "it is stopping" : "it is asleep", activity)
        }
        if service.running == 0 { return starting(service, activity, policy, now) }
        if let woken = service.woken, now - woken < policy.cooldown { return stay("it was woken a moment ago", activity) }
        guard activity.isComplete else { return stay("its metrics are not complete", activity) }
        return judge(service, activity, policy, now)
    }

    /// No task runs although one is wanted: ECS would try for ever.
    private static func starting(
        _ service: ServiceView, _ activity: ActivityView, _ policy: SleepPolicy, _ now: Double
    ) -> SleepDecision {
        // A wake after the first failure begins anew; without either, the deployment's own time is all there is.
        let since = [service.begun, service.firstFailed].compactMap(\.self).max() ?? service.deployed
        guard let since, now - since >= policy.startDeadline else { return stay("it is starting", activity) }
        let reason = service.stopReason.map { "it did not start: \($0)" } ?? "it did not start"
        return .scaleDown(reason: reason, idle: now - since)
    }

    private static func judge(
        _ service: ServiceView, _ activity: ActivityView, _ policy: SleepPolicy, _ now: Double
    ) -> SleepDecision {
        let since = min(service.runningSince ?? service.deployed ?? service.woken ?? 0, now)
        let age = now - since
        guard age >= policy.grace else { return stay("it has just started", activity) }
        // What an earlier task reported says nothing about this one; what is from the future says nothing at all.
        let period = Double(policy.period)
        func current(_ points: [ActivityView.Point]) -> [ActivityView.Point] {
            points.filter { $0.value.isFinite && $0.time + period > since && $0.time <= now + period }
        }
        let last = current(activity.lastActivity)
        let streams = current(activity.streams)
        let bytes = current(activity.bytes)
        guard let reported = (last + streams + bytes).map(\.time).max() else {
            guard age >= policy.grace + policy.missingMetrics else { return stay("it reports nothing yet", activity) }
            return .scaleDown(reason: "it reports nothing", idle: age)
        }
        guard now - reported <= policy.delay else {
            guard now - reported >= policy.missingMetrics else { return stay("its reports are late", activity) }
            return .scaleDown(reason: "it reports nothing any more", idle: now - reported)
        }
        // What a period says happened may have happened at its end.
        let moved = bytes.filter { $0.value > 0 }.map { min($0.time + period, now) } + last.map { min($0.value, now) }
        let lastMoved = ([since] + moved).max() ?? since
        let open = streams.filter { $0.value > 0 && $0.time - lastMoved < policy.silentStreams }.map { min($0.time + period, now) }
        let active = max(lastMoved, open.max() ?? lastMoved)
        // Judged at the time of the report: what happened since isn't known yet.
        let seenIdle = max(0, min(reported, now) - active)
        let idle = now - active
        if seenIdle >= policy.idleThreshold { return .scaleDown(reason: "idle", idle: idle) }
        let window = activity.connections.filter { $0.time > now - policy.idleThreshold - period }
        let average = window.isEmpty ? 0 : window.map(\.value).reduce(0, +) / Double(window.count)
        let reason = seenIdle <= period ? "it is in use" : "it is not idle for long enough"
        return .stay(reason: reason, idle: idle, averageActive: average)
    }

    private static func stay(_ reason: String, _ activity: ActivityView) -> SleepDecision {
        let values = activity.connections.map(\.value)
        let average = values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
        return .stay(reason: reason, idle: 0, averageActive: average)
    }
}
