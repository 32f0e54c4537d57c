package import AWS
package import Logging
import NIOCore

/// Does to one ECS service what the actions say. Every action can be done twice, and at the same time as another.
package struct ServiceControl: Sendable {
    /// The tags in which the service keeps what the functions must remember.
    package enum TagKey {
        /// When the service was last woken, whatever it did then, in seconds of the Unix epoch.
        package static let woken = "fluidity:woken"
        /// When a wake last made the service want a task, in seconds of the Unix epoch.
        package static let begun = "fluidity:begun"
        /// How long the last starts took, as `StartTimes` writes it.
        package static let starts = "fluidity:starts"
    }

    /// What of which service is looked after.
    package let settings: ServiceSettings
    private let client: AWSClient
    private let ecs: ECS
    private let logger: Logger

    /// The actions on the service of the settings; nothing is asked of AWS yet.
    package init(settings: ServiceSettings, client: AWSClient, logger: Logger) {
        self.settings = settings
        self.client = client
        self.ecs = ECS(client)
        self.logger = logger
    }

    private var now: Double { Double(client.now) }

    // MARK: - Actions

    /// Makes the service want a task if it wants none, and remembers the wake in its tags.
    package func wake() async throws(ServiceError) -> WakeAnswer {
        let deadline = client.deadline(in: settings.timeout)
        do throws(AWSError) {
            let service = try await described(deadline)
            let estimate = StartTimes(service.tag(TagKey.starts)).estimate
            let stamp = String(client.now)
            guard service.desiredCount == 0 else {
                await remember([.init(TagKey.woken, stamp)], of: service, deadline)
                let isRunning = service.runningCount > 0
                return WakeAnswer(
                    status: isRunning ? .alreadyRunning : .starting, desiredCount: service.desiredCount,
                    runningCount: service.runningCount, pendingCount: service.pendingCount,
                    estimatedStartTime: isRunning ? "0 seconds" : estimate)
            }
            let updated = try await ecs.updateService(
                cluster: settings.cluster, service: settings.service, desiredCount: 1, deadline: deadline)
            await remember([.init(TagKey.woken, stamp), .init(TagKey.begun, stamp)], of: service, deadline)
            logger.notice("service woken", metadata: ["service": "\(settings.service)"])
            return WakeAnswer(
                status: .waking, desiredCount: updated.desiredCount, runningCount: updated.runningCount,
                pendingCount: updated.pendingCount, estimatedStartTime: estimate)
        } catch { throw refusal(error) }
    }

    /// Puts the service to sleep if `SleepDecision` says so and nobody has woken it in the meantime.
    package func sleep() async throws(ServiceError) -> SleepAnswer {
        let deadline = client.deadline(in: settings.timeout)
        do throws(AWSError) {
            let service = try await described(deadline)
            let view = try await self.view(service, deadline)
            var activity = ActivityView()
            if view.desired > 0, view.running > 0 { activity = try await self.activity(deadline) }
            switch SleepDecision.decide(view, activity, settings.policy, now: now) {
            case .stay(let reason, let idle, let average):
                return .noChange(
                    desired: view.desired, running: view.running, avgActive: average.isFinite ? average : 0,
                    idleDuration: Self.whole(idle), reason: reason)
            case .scaleDown(let reason, let idle):
                // Somebody may have woken it, or changed it by hand, while its metrics were read.
                let again = try await described(deadline)
                guard again.desiredCount == view.desired, again.tag(TagKey.woken) == service.tag(TagKey.woken) else {
                    return .noChange(
                        desired: again.desiredCount, running: again.runningCount, avgActive: 0, idleDuration: Self.whole(idle),
                        reason: "it was changed in the meantime")
                }
                _ = try await ecs.updateService(
                    cluster: settings.cluster, service: settings.service, desiredCount: 0, deadline: deadline)
                logger.notice(
                    "service put to sleep", metadata: ["service": "\(settings.service)", "reason": "\(reason)"])
                return .scaledDown(reason: reason, idleDuration: Self.whole(idle))
            }
        } catch { throw refusal(error) }
    }

    /// Makes the service want no task, whoever uses it.
    package func kill() async throws(ServiceError) -> KillAnswer {
        let deadline = client.deadline(in: settings.timeout)
        do throws(AWSError) {
            let service = try await described(deadline)
            guard service.desiredCount > 0 else {
                return KillAnswer(message: service.runningCount > 0 ? "it was stopping already" : "it was asleep already")
            }
            _ = try await ecs.updateService(
                cluster: settings.cluster, service: settings.service, desiredCount: 0, deadline: deadline)
            logger.notice("service killed", metadata: ["service": "\(settings.service)"])
            return KillAnswer(message: "its tasks are being stopped")
        } catch { throw refusal(error) }
    }

    /// Says how the service is and where its newest running task is reached.
    package func status() async throws(ServiceError) -> StatusAnswer {
        let deadline = client.deadline(in: settings.timeout)
        do throws(AWSError) {
            let service = try await described(deadline)
            let tasks = try await self.tasks(deadline)
            await learn(tasks, service, deadline)
            let task = Self.newestRunning(tasks)
            let status: StatusAnswer.Status =
                service.desiredCount == 0
                ? (service.runningCount > 0 ? .stopping : .asleep) : service.runningCount > 0 ? .ready : .starting
            var address: String?
            if status == .ready, let task { address = await self.address(of: task, deadline) }
            return StatusAnswer(
                status: status, ready: status == .ready, desiredCount: service.desiredCount,
                runningCount: service.runningCount, pendingCount: service.pendingCount, address: address,
                lastStopReason: Self.stopReason(tasks), estimatedStartTime: StartTimes(service.tag(TagKey.starts)).estimate)
        } catch { throw refusal(error) }
    }

    // MARK: - What is seen

    private func described(_ deadline: NIODeadline) async throws(AWSError) -> ECS.Service {
        let service = try await ecs.describeService(
            cluster: settings.cluster, service: settings.service, deadline: deadline)
        guard let service, service.status == "ACTIVE" else {
            throw AWSError(.service(name: "ServiceNotFoundException", status: 404), "there is no such service")
        }
        return service
    }

    private func tasks(_ deadline: NIODeadline) async throws(AWSError) -> [ECS.TaskState] {
        let (cluster, service) = (settings.cluster, settings.service)
        let running = try await ecs.listTasks(
            cluster: cluster, service: service, desiredStatus: "RUNNING", deadline: deadline)
        let stopped = try await ecs.listTasks(
            cluster: cluster, service: service, desiredStatus: "STOPPED", deadline: deadline)
        return try await ecs.describeTasks(cluster: cluster, tasks: running + stopped, deadline: deadline)
    }

    private func view(_ service: ECS.Service, _ deadline: NIODeadline) async throws(AWSError) -> ServiceView {
        var view = ServiceView(desired: service.desiredCount, running: service.runningCount, pending: service.pendingCount)
        view.woken = service.tag(TagKey.woken).flatMap { Int($0) }.map { Double($0) }
        view.begun = service.tag(TagKey.begun).flatMap { Int($0) }.map { Double($0) }
        view.deployed = service.deployments?.filter { $0.status == "PRIMARY" }
            .flatMap { [$0.createdAt, $0.updatedAt] }.compactMap { $0?.seconds }.max()
        guard view.desired > 0 else { return view }
        let tasks = try await self.tasks(deadline)
        await learn(tasks, service, deadline)
        view.runningSince = Self.newestRunning(tasks).flatMap { $0.startedAt ?? $0.createdAt }?.seconds
        let lastStart = tasks.filter { $0.startedAt != nil }.compactMap(\.createdAt).max()
        view.firstFailed =
            tasks.filter { task in
                task.startedAt == nil && (lastStart.map { start in task.createdAt.map { $0 > start } ?? false } ?? true)
            }.compactMap(\.createdAt).min()?.seconds
        view.stopReason = Self.stopReason(tasks)
        return view
    }

    private func activity(_ deadline: NIODeadline) async throws(AWSError) -> ActivityView {
        let dimensions = [CloudWatch.Dimension("Service", settings.metricsService)]
        let names = ["ActiveConnections", "LastActivityEpochSeconds", "ActiveStreams", "BytesRelayed"]
        let period = settings.policy.period
        let end = client.now
        // CloudWatch gives whole periods that begin at or after the start.
        let start = (end - Int(settings.policy.window)) / period * period
        let series = try await CloudWatch(client).getMetricData(
            namespace: settings.metricsNamespace, names.map { .init($0, dimensions, "Maximum") }, from: start, to: end + period,
            period: period, deadline: deadline)
        func points(_ index: Int) -> [ActivityView.Point] { series.points[index].map { .init($0.time, $0.value) } }
        var activity = ActivityView()
        activity.connections = points(0)
        activity.lastActivity = points(1)
        activity.streams = points(2)
        activity.bytes = points(3)
        activity.isComplete = series.isComplete
        return activity
    }

    private static func newestRunning(_ tasks: [ECS.TaskState]) -> ECS.TaskState? {
        tasks.filter { $0.lastStatus == "RUNNING" && $0.desiredStatus != "STOPPED" }
            .max { ($0.startedAt ?? Instant(0)) < ($1.startedAt ?? Instant(0)) }
    }

    private static func stopReason(_ tasks: [ECS.TaskState]) -> String? {
        let last = tasks.filter { $0.stoppedReason != nil }.max { ($0.stoppedAt ?? Instant(0)) < ($1.stoppedAt ?? Instant(0)) }
        guard let last, let reason = last.stoppedReason else { return nil }
        let container = last.containers?.compactMap { container in
            container.reason ?? container.exitCode.map { "\(container.name ?? "container") ended with \($0)" }
        }.first
        return container.map { "\(reason) (\($0))" } ?? reason
    }

    /// The public address of the task's network interface, else its private one; nil when it can't be known.
    private func address(of task: ECS.TaskState, _ deadline: NIODeadline) async -> String? {
        var host = task.attached("privateIPv4Address")
        if let interface = task.attached("networkInterfaceId") {
            do throws(AWSError) {
                let found = try await EC2(client).describeNetworkInterfaces([interface], deadline: deadline).first
                host = found?.publicAddress ?? found?.privateAddress ?? host
            } catch {
                logger.warning("the task's address can't be found out", metadata: ["reason": "\(error)"])
            }
        }
        return host.flatMap { $0.isEmpty ? nil : HostPortText.join($0, settings.port) }
    }

    /// What AWS says of times may be anything.
    private static func whole(_ seconds: Double) -> Int { seconds.isFinite ? Int(min(max(seconds, 0), 1e9)) : 0 }

    // MARK: - What is remembered

    private func learn(_ tasks: [ECS.TaskState], _ service: ECS.Service, _ deadline: NIODeadline) async {
        guard let task = Self.newestRunning(tasks), let created = task.createdAt, let started = task.startedAt else { return }
        var times = StartTimes(service.tag(TagKey.starts))
        guard let tag = times.learn(task: task.taskArn, took: started.seconds - created.seconds) else { return }
        await remember([.init(TagKey.starts, tag)], of: service, deadline)
    }

    /// A tag that can't be written makes later answers less exact, and this one no less right.
    private func remember(_ tags: [ECS.Tag], of service: ECS.Service, _ deadline: NIODeadline) async {
        guard let arn = service.serviceArn else { return }
        do throws(AWSError) {
            try await ecs.tag(arn, tags, deadline: deadline)
        } catch {
            logger.warning("the service can't be tagged", metadata: ["reason": "\(error)"])
        }
    }

    private func refusal(_ error: AWSError) -> ServiceError {
        logger.error("an action failed", metadata: ["service": "\(settings.service)", "reason": "\(error)"])
        return ServiceError(error)
    }
}

enum HostPortText {
    static func join(_ host: String, _ port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
