package import AWS
package import Logging
import NIOCore

/// Does to one ECS service what the actions say. Every action can be done twice, and at the same time as another.
package struct ServiceControl: Sendable {
    /// What of which service is looked after.
    package let settings: ServiceSettings
    let client: AWSClient
    let ecs: ECS
    let logger: Logger

    /// The actions on the service of the settings; nothing is asked of AWS yet.
    package init(settings: ServiceSettings, client: AWSClient, logger: Logger) {
        self.settings = settings
        self.client = client
        self.ecs = ECS(client)
        self.logger = logger
    }

    var now: Double { Double(client.now) }

    /// Makes the service want a task if it wants none, and remembers the wake in its tags. Refused where a limit is reached.
    package func wake() async throws(ServiceError) -> WakeAnswer {
        let deadline = client.deadline(in: settings.timeout)
        let service: ECS.Service
        do throws(AWSError) { service = try await described(deadline) } catch { throw refusal(error) }
        let tags = ServiceTags(service)
        let times = StartTimes(tags[ServiceTags.Key.starts])
        let record = UptimeRecord(tags[ServiceTags.Key.uptime], now: client.now)
        let warning = settings.limits.warning(record)
        let stamp = String(client.now)
        guard service.desiredCount == 0 else {
            await remember([.init(ServiceTags.Key.woken, stamp)], of: service, deadline)
            let isRunning = service.runningCount > 0
            return WakeAnswer(
                status: isRunning ? .alreadyRunning : .starting, desiredCount: service.desiredCount,
                runningCount: service.runningCount, pendingCount: service.pendingCount,
                estimatedStartTime: isRunning ? "0 seconds" : times.estimate,
                retryAfter: isRunning ? nil : times.retryAfter(begun: tags.begun, now: now), warning: warning)
        }
        if let reached = settings.limits.reached(record) {
            logger.warning("a wake is refused", metadata: ["service": "\(settings.service)", "reason": "\(reached.message)"])
            throw ServiceError(code: reached.code, message: reached.message, status: 402)
        }
        do throws(AWSError) {
            let updated = try await ecs.updateService(
                cluster: settings.cluster, service: settings.service, desiredCount: 1, deadline: deadline)
            await remember(
                [.init(ServiceTags.Key.woken, stamp), .init(ServiceTags.Key.begun, stamp)], of: service, deadline)
            logger.notice("service woken", metadata: ["service": "\(settings.service)"])
            return WakeAnswer(
                status: .waking, desiredCount: updated.desiredCount, runningCount: updated.runningCount,
                pendingCount: updated.pendingCount, estimatedStartTime: times.estimate,
                retryAfter: times.retryAfter(begun: now, now: now), warning: warning)
        } catch { throw refusal(error) }
    }

    /// Makes the service want no task and stops those that run, whoever uses them and whatever else fails.
    ///
    /// - Parameter reason: Why, for the log and for `status`.
    package func kill(reason: String? = nil) async throws(ServiceError) -> KillAnswer {
        let deadline = client.deadline(in: settings.timeout)
        let why = reason ?? "on request"
        do throws(AWSError) {
            // Before anything is asked: this is what guards the costs where nothing else works.
            let service = try await ecs.updateService(
                cluster: settings.cluster, service: settings.service, desiredCount: 0, deadline: deadline)
            logger.notice("service killed", metadata: ["service": "\(settings.service)", "reason": "\(why)"])
            await remember(
                [.init(ServiceTags.Key.ended, Ending(.kill, at: now, why).tag)], of: service, deadline)
            await stopTasks(reason: "killed: \(why)", deadline)
            return KillAnswer()
        } catch { throw refusal(error) }
    }

    /// Says how the service is and where its newest running task is reached.
    package func status() async throws(ServiceError) -> StatusAnswer {
        let deadline = client.deadline(in: settings.timeout)
        do throws(AWSError) {
            let service = try await described(deadline)
            let tags = ServiceTags(service)
            let tasks = try await self.tasks(deadline)
            await learn(tasks, tags, service, deadline)
            let task = Self.newestRunning(tasks)
            let status: StatusAnswer.Status =
                service.desiredCount == 0
                ? (service.runningCount > 0 ? .stopping : .asleep) : service.runningCount > 0 ? .ready : .starting
            var (address, problem): (String?, String?) = (nil, nil)
            if status == .ready, let task {
                switch await self.address(of: task, deadline) {
                case .known(let text): address = text
                case .unknown(let why): problem = why
                }
            }
            let times = StartTimes(tags[ServiceTags.Key.starts])
            var record = UptimeRecord(tags[ServiceTags.Key.uptime], now: client.now)
            _ = record.count(Self.paidTimes(tasks, now: now), until: now)
            return StatusAnswer(
                status: status, ready: status == .ready, desiredCount: service.desiredCount,
                runningCount: service.runningCount, pendingCount: service.pendingCount, address: address,
                lastStopReason: tasks.compactMap(Self.stop).max { ($0.stopped ?? 0) < ($1.stopped ?? 0) }?.reason,
                estimatedStartTime: times.estimate,
                retryAfter: status == .starting ? times.retryAfter(begun: tags.begun, now: now) : nil,
                reason: service.desiredCount == 0 ? tags.ended.map { "\($0.cause.rawValue): \($0.reason)" } : problem,
                hoursThisMonth: (record.month / 36).rounded() / 100,
                cost: settings.limits.cost.map { .init($0, record) }, warning: settings.limits.warning(record))
        } catch { throw refusal(error) }
    }

    /// Tells every task that nobody has told so yet to stop. What can't be stopped so is said in the log.
    func stopTasks(reason: String, _ deadline: NIODeadline) async {
        do throws(AWSError) {
            let tasks = try await ecs.listTasks(
                cluster: settings.cluster, service: settings.service, desiredStatus: "RUNNING", deadline: deadline)
            for task in tasks {
                try await ecs.stopTask(cluster: settings.cluster, task: task, reason: reason, deadline: deadline)
            }
        } catch {
            logger.warning(
                "tasks can't be stopped at once; one that is protected runs on until its protection ends",
                metadata: ["service": "\(settings.service)", "reason": "\(error)"])
        }
    }

    // MARK: - What is remembered

    func learn(_ tasks: [ECS.TaskState], _ tags: ServiceTags, _ service: ECS.Service, _ deadline: NIODeadline) async {
        guard let task = Self.newestRunning(tasks), let created = task.createdAt, let started = task.startedAt else { return }
        var times = StartTimes(tags[ServiceTags.Key.starts])
        guard let tag = times.learn(task: task.taskArn, took: started.seconds - created.seconds) else { return }
        await remember([.init(ServiceTags.Key.starts, tag)], of: service, deadline)
    }

    /// A tag that can't be written makes later answers less exact, and this one no less right.
    func remember(_ tags: [ECS.Tag], of service: ECS.Service, _ deadline: NIODeadline) async {
        guard let arn = service.serviceArn, !tags.isEmpty else { return }
        do throws(AWSError) {
            try await ecs.tag(arn, tags, deadline: deadline)
        } catch {
            logger.warning("the service can't be tagged", metadata: ["reason": "\(error)"])
        }
    }

    func refusal(_ error: AWSError) -> ServiceError {
        logger.error("an action failed", metadata: ["service": "\(settings.service)", "reason": "\(error)"])
        return ServiceError(error)
    }
}
