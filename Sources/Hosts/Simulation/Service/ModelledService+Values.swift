import AWS

/// The operations of ECS, with what AWS's clients read of the answers.
extension ModelledService {
    /// Answers an operation of ECS that the product calls, by what it is given.
    mutating func answer(_ input: any Sendable, _ now: Moment) -> (answer: ValueAnswer, changes: [Change]) {
        switch input {
        case let input as ECS.ServicesInput:
            return (.done(describeServices(input.services, withTags: input.include.contains("TAGS"))), [])
        case let input as ECS.ListInput:
            guard let listed = listTasks(input.serviceName, status: input.desiredStatus) else { return (Self.noService(), []) }
            return (.done(listed), [])
        case let input as ECS.TasksInput: return (.done(describeTasks(input.tasks)), [])
        case let input as ECS.ProtectionInput: return (.done(protection(of: input.tasks, now)), [])
        case let input as ECS.TagInput:
            for each in input.tags { tag(each.key, each.value ?? "") }
            return (.done(ECS.Nothing()), [])
        case let input as ECS.UpdateInput:
            guard let updated = updateService(input.service, count: input.desiredCount, now) else {
                return (Self.noService(), [])
            }
            return (.done(updated), [])
        case let input as ECS.StopInput:
            guard let stopped = stopTask(input.task, reason: input.reason, now) else { return (Self.noTask(), []) }
            return (.done(ECS.Nothing()), stopped.changes)
        default: return (.unknownOperation, [])
        }
    }

    func describeServices(_ names: [String], withTags: Bool) -> ECS.ServicesOutput {
        let isKnown = names.contains(where: Self.isName)
        return ECS.ServicesOutput(
            services: isKnown ? [described(withTags: withTags)] : [],
            failures: names.filter { !Self.isName($0) }.map { _ in ECS.ServiceFailure(reason: "MISSING") })
    }

    /// Nil where there is no such service.
    mutating func updateService(_ name: String, count: Int?, _ now: Moment) -> ECS.UpdateOutput? {
        guard Self.isName(name) else { return nil }
        if let count { want(count, now) }
        return ECS.UpdateOutput(service: described(withTags: false))
    }

    /// Nil where there is no such service.
    func listTasks(_ service: String?, status: String) -> ECS.ListOutput? {
        guard service.map(Self.isName) ?? true else { return nil }
        let wantsStopped = status == "STOPPED"
        // As in ECS, the wish counts here, not how far the task is.
        return ECS.ListOutput(taskArns: tasks.filter { $0.isWanted != wantsStopped }.prefix(100).map(\.arn))
    }

    func describeTasks(_ names: [String]) -> ECS.TasksOutput {
        ECS.TasksOutput(tasks: names.compactMap { ModelledTask.index(of: $0, in: tasks) }.map { Self.described(tasks[$0]) })
    }

    /// Nil where there is no such task.
    mutating func stopTask(_ name: String, reason: String?, _ now: Moment) -> (task: ModelledTask, changes: [Change])? {
        guard let index = ModelledTask.index(of: name, in: tasks) else { return nil }
        let changes = stop(tasks[index].number, .stopped(by: reason ?? "Task stopped by user"), now)
        return (tasks[index], changes)
    }

    private func protection(of names: [String], _ now: Moment) -> ECS.ProtectionOutput {
        ECS.ProtectionOutput(
            protectedTasks: names.compactMap { name in
                guard let index = ModelledTask.index(of: name, in: tasks), tasks[index].isAlive else { return nil }
                return ECS.Protection(taskArn: tasks[index].arn, protectionEnabled: tasks[index].isProtected(now))
            })
    }

    static func isName(_ text: String) -> Bool { text == "fluidity-server" || text == arn }

    static func noService<Content>() -> ModelledAnswer<Content> {
        .refused(status: 400, name: "ServiceNotFoundException", message: "Service not found.")
    }

    static func noTask<Content>() -> ModelledAnswer<Content> {
        .refused(status: 400, name: "InvalidParameterException", message: "The referenced task was not found.")
    }

    private func described(withTags: Bool) -> ECS.Service {
        var service = ECS.Service(
            name: "fluidity-server", status: "ACTIVE", desiredCount: desired, runningCount: running, pendingCount: pending)
        service.serviceArn = Self.arn
        service.deployments = [
            ECS.Deployment(
                status: "PRIMARY", createdAt: Instant(created.seconds), updatedAt: Instant(updated.seconds),
                rolloutState: "COMPLETED")
        ]
        if withTags { service.tags = tags }
        return service
    }

    static func described(_ task: ModelledTask) -> ECS.TaskState {
        var state = ECS.TaskState(
            arn: task.arn, lastStatus: task.lastStatus, desiredStatus: task.isWanted ? "RUNNING" : "STOPPED")
        state.createdAt = Instant(task.created.seconds)
        state.startedAt = task.started.map { Instant($0.seconds) }
        state.stoppedAt = task.stopped.map { Instant($0.seconds) }
        state.stopCode = task.stopCode
        state.stoppedReason = task.stoppedReason
        state.containers = [ECS.Container(name: "server", exitCode: task.exitCode)]
        state.attachments = [
            ECS.Attachment(
                type: "ElasticNetworkInterface", status: task.isAlive ? "ATTACHED" : "DELETED",
                details: [
                    ECS.Detail("networkInterfaceId", task.interface), ECS.Detail("privateIPv4Address", "10.0.0.1"),
                ])
        ]
        return state
    }
}
