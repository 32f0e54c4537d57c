import AWS
import Logging
import NIOCore

extension ServiceControl {
    func described(_ deadline: NIODeadline) async throws(AWSError) -> ECS.Service {
        let service = try await ecs.describeService(
            cluster: settings.cluster, service: settings.service, deadline: deadline)
        guard let service, service.status == "ACTIVE" else {
            throw AWSError(.service(name: "ServiceNotFoundException", status: 404), "there is no such service")
        }
        return service
    }

    /// The service's tasks, those that have stopped included as long as AWS remembers them, which is about an hour.
    func tasks(_ deadline: NIODeadline) async throws(AWSError) -> [ECS.TaskState] {
        let (cluster, service) = (settings.cluster, settings.service)
        let running = try await ecs.listTasks(
            cluster: cluster, service: service, desiredStatus: "RUNNING", deadline: deadline)
        let stopped = try await ecs.listTasks(
            cluster: cluster, service: service, desiredStatus: "STOPPED", deadline: deadline)
        return try await ecs.describeTasks(cluster: cluster, tasks: running + stopped, deadline: deadline)
    }

    static func newestRunning(_ tasks: [ECS.TaskState]) -> ECS.TaskState? {
        tasks.filter { $0.lastStatus == "RUNNING" && $0.desiredStatus != "STOPPED" }
            .max { ($0.startedAt ?? Instant(0)) < ($1.startedAt ?? Instant(0)) }
    }

    /// How a task ended; nil for one that hasn't, and isn't about to after it ran.
    static func stop(_ task: ECS.TaskState) -> TaskStop? {
        let isOver = task.lastStatus == "STOPPED" || task.stoppedAt != nil
        guard isOver || task.desiredStatus == "STOPPED" && task.startedAt != nil,
            let known = task.createdAt ?? task.startedAt ?? task.stoppedAt
        else { return nil }
        let codes = (task.containers ?? []).compactMap(\.exitCode)
        let isFailure =
            switch task.stopCode {
            case "ServiceSchedulerInitiated", "UserInitiated", "SpotInterruption", "TerminationNotice": false
            case "TaskFailedToStart", "EssentialContainerExited": true
            default: task.startedAt == nil || codes.contains { $0 != 0 }
            }
        return TaskStop(
            created: known.seconds, started: task.startedAt?.seconds, stopped: task.stoppedAt?.seconds, isFailure: isFailure,
            reason: stopReason(task))
    }

    private static func stopReason(_ task: ECS.TaskState) -> String? {
        guard let reason = task.stoppedReason else { return nil }
        let container = task.containers?.compactMap { container in
            container.reason ?? container.exitCode.map { "\(container.name ?? "container") ended with \($0)" }
        }.first
        return container.map { "\(reason) (\($0))" } ?? reason
    }

    /// From when to when each task is paid for: from the pulling of its images on.
    static func paidTimes(_ tasks: [ECS.TaskState], now: Double) -> [(from: Double, to: Double)] {
        tasks.compactMap { task in
            guard let begin = task.pullStartedAt ?? task.createdAt ?? task.startedAt else { return nil }
            if let end = task.stoppedAt { return (begin.seconds, end.seconds) }
            return task.lastStatus == "STOPPED" ? nil : (begin.seconds, now)
        }
    }

    /// Where a task is reached.
    enum TaskAddress: Sendable, Equatable {
        /// Host and port.
        case known(String)
        /// Why it isn't known, for people.
        case unknown(String)
    }

    /// The address of the task's network interface. Never the private one where the public one is wanted: agents would dial it, somewhere
    /// in their own network.
    func address(of task: ECS.TaskState, _ deadline: NIODeadline) async -> TaskAddress {
        let host: String?
        switch settings.address {
        case .private: host = task.attached("privateIPv4Address")
        case .public:
            guard let interface = task.attached("networkInterfaceId") else {
                return .unknown("the task has no network interface of its own")
            }
            do throws(AWSError) {
                host = try await EC2(client).describeNetworkInterfaces([interface], deadline: deadline).first?.publicAddress
            } catch {
                logger.warning("the task's address can't be found out", metadata: ["reason": "\(error)"])
                return .unknown("the task's public address can't be found out; the log of 'status' says why")
            }
        }
        if let host, !host.isEmpty { return .known(HostPortText.join(host, settings.port)) }
        let isPublic = settings.address == .public
        return .unknown(
            isPublic
                ? "the task has no public address; 'address: private' is for agents in its network"
                : "the task has no private address")
    }

    /// What AWS says of times may be anything.
    static func whole(_ seconds: Double) -> Int { seconds.isFinite ? Int(min(max(seconds, 0), 1e9)) : 0 }
}

enum HostPortText {
    static func join(_ host: String, _ port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
