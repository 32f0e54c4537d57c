import AWS
import Logging
import NIOCore

extension ServiceControl {
    /// Puts the service to sleep if `SleepDecision` says so and nobody has woken it in the meantime. A task whose server says that
    /// it is in use stays, and the service goes on to want it.
    ///
    /// - Parameter reason: Why it is looked at, for the log.
    package func sleep(reason: String? = nil) async throws(ServiceError) -> SleepAnswer {
        let deadline = client.deadline(in: settings.timeout)
        do throws(AWSError) {
            let service = try await described(deadline)
            let seen = try await self.view(service, deadline)
            let view = seen.view
            var activity = ActivityView()
            if view.desired > 0, view.running > 0 { activity = await self.activity(deadline) }
            let average = activity.averageConnections(since: now - settings.policy.idleThreshold - Double(settings.policy.period))
            let decision = SleepDecision.decide(view, activity, settings.policy, now: now)
            func answer(
                _ action: SleepAnswer.Action, desired: Int, running: Int? = nil, idle: Double = 0, _ reason: String
            ) -> SleepAnswer {
                SleepAnswer(
                    action: action, desired: desired, running: running ?? view.running, avgActive: average,
                    idleDuration: Self.whole(idle), reason: reason, warning: seen.warning)
            }
            switch decision {
            case .stay(let reason, let idle, _):
                return answer(.noChange, desired: view.desired, idle: idle, reason)
            case .restore(let reason, let count):
                try await restore(service, count: count, reason, deadline)
                return answer(.noChange, desired: count, reason)
            case .scaleDown(let reason, let idle), .end(let reason, let idle):
                // Somebody may have woken it, or changed it by hand, while its metrics were read.
                let again = try await described(deadline)
                let woken = ServiceTags(again)[ServiceTags.Key.woken]
                var cause = Ending.Cause.sleep
                if case .end = decision { cause = .limit }
                let isDeclared = cause == .sleep && ServiceTags(again).inUse?.holds(at: now) ?? false
                guard again.desiredCount == view.desired, woken == ServiceTags(service)[ServiceTags.Key.woken], !isDeclared else {
                    return answer(
                        .noChange, desired: again.desiredCount, running: again.runningCount, idle: idle,
                        "it was changed in the meantime")
                }
                let updated = try await ecs.updateService(
                    cluster: settings.cluster, service: settings.service, desiredCount: 0, deadline: deadline)
                await remember(
                    [.init(ServiceTags.Key.ended, Ending(cause, at: now, reason).tag)], of: service, deadline)
                logger.notice("service put to sleep", metadata: ["service": "\(settings.service)", "reason": "\(reason)"])
                if cause == .limit {
                    await stopTasks(reason: reason, deadline)
                } else if case .inUse(let count) = await claimNow(seen.running, deadline) {
                    // Somebody began to use it after it was asked. ECS stops no task that is protected, and takes no renewal of a
                    // protection while fewer tasks are wanted than protected. What isn't protected it tells to stop some seconds later.
                    let reason = "it came into use while it was put to sleep"
                    try await restore(service, count: count, reason, deadline)
                    return answer(.noChange, desired: count, reason)
                }
                return answer(.scaledDown, desired: updated.desiredCount, idle: idle, reason)
            }
        } catch { throw refusal(error) }
    }

    private func restore(
        _ service: ECS.Service, count: Int, _ reason: String, _ deadline: NIODeadline
    ) async throws(AWSError) {
        _ = try await ecs.updateService(
            cluster: settings.cluster, service: settings.service, desiredCount: count, deadline: deadline)
        // It isn't asleep any more: nothing that ended it counts.
        await remember([.init(ServiceTags.Key.ended, Ending(.sleep, at: 0, "taken back").tag)], of: service, deadline)
        logger.notice("service wanted again", metadata: ["service": "\(settings.service)", "reason": "\(reason)"])
    }

    // MARK: - What is seen

    /// What the decision goes by, the tasks that may run on, and what is said of budget and hours.
    private func view(
        _ service: ECS.Service, _ deadline: NIODeadline
    ) async throws(AWSError) -> (view: ServiceView, running: [ECS.TaskState], warning: String?) {
        let tags = ServiceTags(service)
        var view = ServiceView(desired: service.desiredCount, running: service.runningCount, pending: service.pendingCount)
        // A time that is yet to come says that somebody's clock was wrong.
        let latest = now + SleepPolicy.clockTolerance
        view.woken = tags.woken.flatMap { $0 <= latest ? $0 : nil }
        view.begun = tags.begun.flatMap { $0 <= latest ? $0 : nil }
        view.ended = tags.ended
        view.deployed = service.deployments?.filter { $0.status == "PRIMARY" }
            .flatMap { [$0.createdAt, $0.updatedAt] }.compactMap { $0?.seconds }.max()
        let tasks = view.desired > 0 || view.running > 0 ? try await self.tasks(deadline) : []
        let running = tasks.filter { $0.lastStatus == "RUNNING" && $0.desiredStatus != "STOPPED" }
        view.staying = running.count
        view.runningSince = Self.newestRunning(tasks).flatMap { $0.startedAt ?? $0.createdAt }?.seconds
        view.stops = tasks.compactMap(Self.stop)
        if view.running > 0 { view.claim = await claim(running, tags, deadline) }

        var news: [ECS.Tag] = []
        if let begun = view.begun, begun < view.ended?.time ?? 0 { view.begun = nil }
        if view.desired > 0, view.begun == nil {
            // Somebody started it without a wake, or the wake couldn't write it down.
            let known = [view.deployed, view.runningSince].compactMap(\.self).filter { $0 > view.ended?.time ?? 0 && $0 <= now }
            news.append(.init(ServiceTags.Key.begun, String(Int(known.min() ?? now))))
        }
        if case .inUse = view.claim, let task = Self.newestRunning(running) {
            let name = ServiceTags.shortName(task.taskArn)
            // What another task has declared, one that is no more say, proves nothing of this one.
            let isItself = tags.inUse.map { !$0.holds(at: now) || $0.task == name } ?? true
            if isItself, tags[ServiceTags.Key.protects] != name { news.append(.init(ServiceTags.Key.protects, name)) }
        }
        var record = UptimeRecord(tags[ServiceTags.Key.uptime], now: client.now)
        if record.count(Self.paidTimes(tasks, now: now), until: now) { news.append(.init(ServiceTags.Key.uptime, record.tag)) }
        await remember(news, of: service, deadline)
        if view.desired > 0 { await learn(tasks, tags, service, deadline) }
        view.limit = settings.limits.reached(record, upSince: view.upSince, now: now)?.message
        let warning = settings.limits.warning(record)
        if let warning, view.desired > 0 {
            logger.warning("a limit is near", metadata: ["service": "\(settings.service)", "reason": "\(warning)"])
        }
        return (view, running, warning)
    }

    /// What the servers of these tasks say by protecting them, and by declaring their use.
    private func claim(
        _ running: [ECS.TaskState], _ tags: ServiceTags, _ deadline: NIODeadline
    ) async -> ServiceView.Claim {
        guard !running.isEmpty else { return .unknown }
        // Which of several it is doesn't matter: all of them stay.
        let isDeclared = tags.inUse?.holds(at: now) ?? false
        do throws(AWSError) {
            let protected = try await ecs.protectedTasks(
                cluster: settings.cluster, tasks: running.map(\.taskArn), deadline: deadline)
            if isDeclared { return .inUse(running.count) }
            if !protected.isEmpty { return .inUse(protected.count) }
            let known = tags[ServiceTags.Key.protects]
            let canSay = running.allSatisfy { ServiceTags.shortName($0.taskArn) == known }
            return canSay ? .idle : .unknown
        } catch {
            logger.warning(
                "AWS doesn't say which tasks are protected; the decision goes by the metrics alone",
                metadata: ["service": "\(settings.service)", "reason": "\(error)"])
            return isDeclared ? .inUse(running.count) : .unknown
        }
    }

    /// What they say after the service was told to want none.
    private func claimNow(_ running: [ECS.TaskState], _ deadline: NIODeadline) async -> ServiceView.Claim {
        guard !running.isEmpty else { return .unknown }
        do throws(AWSError) {
            return await claim(running, ServiceTags(try await described(deadline)), deadline)
        } catch {
            // Nobody says that it hasn't: the next run looks again.
            logger.warning(
                "AWS doesn't say whether the service has come into use meanwhile",
                metadata: ["service": "\(settings.service)", "reason": "\(error)"])
            return .inUse(running.count)
        }
    }

    /// What the server has reported; incomplete where CloudWatch doesn't say.
    private func activity(_ deadline: NIODeadline) async -> ActivityView {
        let dimensions = [CloudWatch.Dimension("Service", settings.metricsService)]
        let queries = [
            ("ActiveConnections", "Average"), ("LastActivityEpochSeconds", "Maximum"), ("ActiveStreams", "Maximum"),
            ("BytesRelayed", "Maximum"),
        ]
        let period = settings.policy.period
        // CloudWatch gives whole periods that begin at or after the start. A server's clock may be ahead.
        let start = (client.now - Int(settings.policy.window)) / period * period
        let end = client.now + Int(SleepPolicy.clockTolerance) + period
        var activity = ActivityView()
        let series: CloudWatch.Series
        do throws(AWSError) {
            series = try await CloudWatch(client).getMetricData(
                namespace: settings.metricsNamespace, queries.map { .init($0.0, dimensions, $0.1) }, from: start, to: end,
                period: period, deadline: deadline)
        } catch {
            logger.error(
                "the server's metrics can't be read; the decision goes by what the server itself says",
                metadata: ["service": "\(settings.service)", "reason": "\(error)"])
            activity.isComplete = false
            return activity
        }
        func points(_ index: Int) -> [ActivityView.Point] { series.points[index].map { .init($0.time, $0.value) } }
        activity.connections = points(0)
        activity.lastActivity = points(1)
        activity.streams = points(2)
        activity.bytes = points(3)
        activity.isComplete = series.isComplete
        return activity
    }
}
