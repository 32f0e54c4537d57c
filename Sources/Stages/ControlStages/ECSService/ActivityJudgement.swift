/// What a running task's reports say of its use. Times are seconds of the Unix epoch.
///
/// The server's clock may be off: how long it was idle is told by its clock alone, from the time of a report to what the report
/// says of the last activity. Only how late reports are is told by ours.
struct ActivityJudgement: Equatable {
    /// How long it had been idle at the time of the newest report, in seconds.
    var seenIdle: Double
    /// How long it is idle if nothing has happened since, in seconds.
    var idle: Double
    /// How old the newest report is, in seconds.
    var lateness: Double
    /// When it was last used, as far as it is known.
    var lastUse: Double

    /// Nil without any report of a task that runs since a time. What an earlier one reported says nothing about this one.
    init?(_ activity: ActivityView, since: Double, _ policy: SleepPolicy, now: Double) {
        let period = Double(policy.period)
        func current(_ points: [ActivityView.Point]) -> [ActivityView.Point] {
            points.filter {
                $0.value.isFinite && $0.time + period > since && $0.time <= now + SleepPolicy.clockTolerance
            }
        }
        let last = current(activity.lastActivity)
        let streams = current(activity.streams)
        let bytes = current(activity.bytes)
        guard let newest = (last + streams + bytes).map(\.time).max() else { return nil }
        // What a period says happened may have happened at its end.
        let end = max(newest, min(newest + period, now))
        let moved = bytes.filter { $0.value > 0 }.map { min($0.time + period, end) } + last.map { min($0.value, end) }
        let lastMoved = ([min(since, end)] + moved).max() ?? since
        let open = streams.filter { $0.value > 0 && $0.time - lastMoved < policy.silentStreams }.map { min($0.time + period, end) }
        let active = max(lastMoved, open.max() ?? lastMoved)
        // Judged at the time of the report: what happened since isn't known yet.
        seenIdle = max(0, newest - active)
        lateness = max(0, now - newest)
        idle = max(0, max(now, newest) - active)
        lastUse = min(active, now)
    }
}
