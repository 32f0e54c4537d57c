import AWS

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension ModelledService {
    /// Answers an operation of ECS as AWS does, JSON for JSON.
    mutating func answer(_ operation: String, _ body: [UInt8], _ now: Moment) -> (answer: WireAnswer, changes: [Change]) {
        guard let input = input(body) else { return (.unreadable, []) }
        switch operation {
        case "DescribeServices":
            let missing = (input.services ?? []).filter { !Self.isName($0) }
            let failures = missing.map { #"{"arn":"\#(Self.prefix)\#($0)","reason":"MISSING"}"# }.joined(separator: ",")
            let found = describeServices(input.services ?? [], withTags: input.include?.contains("TAGS") ?? false)
            return (.done(#"{"services":[\#(Self.list(found.services) { text(of: $0) })],"failures":[\#(failures)]}"#), [])
        case "UpdateService":
            guard let updated = updateService(input.service ?? "", count: input.desiredCount, now) else {
                return (Self.noService(), [])
            }
            return (.done(#"{"service":\#(text(of: updated.service))}"#), [])
        case "ListTasks":
            guard let listed = listTasks(input.serviceName, status: input.desiredStatus ?? "RUNNING") else {
                return (Self.noService(), [])
            }
            return (.done(#"{"taskArns":[\#(Self.list(listed.taskArns) { #""\#($0)""# })]}"#), [])
        case "DescribeTasks":
            let failures = (input.tasks ?? []).filter { ModelledTask.index(of: $0, in: tasks) == nil }
                .map { #"{"arn":"\#($0)","reason":"MISSING"}"# }.joined(separator: ",")
            let found = describeTasks(input.tasks ?? [])
            return (.done(#"{"tasks":[\#(Self.list(found.tasks) { Self.text(of: $0) })],"failures":[\#(failures)]}"#), [])
        case "TagResource":
            for each in input.tags ?? [] { tag(each.key, each.value ?? "") }
            return (.done("{}"), [])
        case "UntagResource":
            for key in input.tagKeys ?? [] { untag(key) }
            return (.done("{}"), [])
        case "ListTagsForResource": return (.done(#"{"tags":[\#(tagList)]}"#), [])
        case "StopTask":
            guard let stopped = stopTask(input.task ?? "", reason: input.reason, now) else { return (Self.noTask(), []) }
            return (.done(#"{"task":\#(Self.text(of: Self.described(stopped.task)))}"#), stopped.changes)
        case "UpdateTaskProtection":
            let until = (input.protectionEnabled ?? false) ? now + Double(60 * (input.expiresInMinutes ?? 120)) : nil
            return (protection(input.tasks ?? [], now) { $0.protect($1, until: until, now) }, [])
        case "GetTaskProtection": return (protection(input.tasks ?? [], now) { _, _ in nil }, [])
        default: return (.unknownOperation, [])
        }
    }

    private mutating func protection(
        _ names: [String], _ now: Moment, _ change: (inout ModelledService, Int) -> ProtectionRefusal?
    ) -> WireAnswer {
        var protected: [String] = []
        var failures: [String] = []
        for name in names {
            guard let index = ModelledTask.index(of: name, in: tasks), tasks[index].isAlive else {
                failures.append(#"{"arn":"\#(name)","reason":"TASK_NOT_VALID"}"#)
                continue
            }
            if let refusal = change(&self, tasks[index].number) {
                failures.append(#"{"arn":"\#(name)","reason":"\#(refusal.rawValue)"}"#)
                continue
            }
            let end = tasks[index].isProtected(now) ? tasks[index].protectedUntil : nil
            let expiration = end.map { #","expirationDate":\#($0.seconds)"# } ?? ""
            protected.append(#"{"taskArn":"\#(tasks[index].arn)","protectionEnabled":\#(end != nil)\#(expiration)}"#)
        }
        return .done(
            #"{"protectedTasks":[\#(protected.joined(separator: ","))],"failures":[\#(failures.joined(separator: ","))]}"#)
    }

    private static let prefix = "arn:aws:ecs:us-east-1:123456789012:service/fluidity/"

    private static func list<Element>(_ elements: [Element]?, _ text: (Element) -> String) -> String {
        (elements ?? []).map(text).joined(separator: ",")
    }

    private func text(of service: ECS.Service) -> String {
        let counts =
            #""desiredCount":\#(service.desiredCount),"runningCount":\#(service.runningCount),"pendingCount":\#(service.pendingCount)"#
        let deployments = Self.list(service.deployments) { deployment in
            """
            {"id":"ecs-svc/1234567890123456789","status":"\(deployment.status ?? "")",\
            "createdAt":\(deployment.createdAt?.seconds ?? 0),"updatedAt":\(deployment.updatedAt?.seconds ?? 0),\
            "rolloutState":"\(deployment.rolloutState ?? "")",\(counts)}
            """
        }
        let tags = service.tags.map { _ in #","tags":[\#(tagList)]"# } ?? ""
        return """
            {"serviceArn":"\(service.serviceArn ?? "")","serviceName":"\(service.serviceName)","status":"\(service.status)",\
            \(counts),"deployments":[\(deployments)]\(tags)}
            """
    }

    private var tagList: String { Self.list(tags) { #"{"key":"\#($0.key)","value":"\#($0.value ?? "")"}"# } }

    private static func text(of task: ECS.TaskState) -> String {
        var optional = ""
        if let started = task.startedAt { optional += #","startedAt":\#(started.seconds)"# }
        if let stopped = task.stoppedAt { optional += #","stoppedAt":\#(stopped.seconds)"# }
        if let code = task.stopCode { optional += #","stopCode":"\#(code)""# }
        if let reason = task.stoppedReason { optional += #","stoppedReason":"\#(reason)""# }
        let status = task.lastStatus ?? ""
        let containers = list(task.containers) { container in
            let exit = container.exitCode.map { #","exitCode":\#($0)"# } ?? ""
            return #"{"name":"\#(container.name ?? "")","lastStatus":"\#(status)"\#(exit)}"#
        }
        let attachments = list(task.attachments) { attachment in
            let details = list(attachment.details) { #"{"name":"\#($0.name ?? "")","value":"\#($0.value ?? "")"}"# }
            return """
                {"id":"1","type":"\(attachment.type ?? "")","status":"\(attachment.status ?? "")","details":[\(details)]}
                """
        }
        return """
            {"taskArn":"\(task.taskArn)","group":"service:fluidity-server","lastStatus":"\(status)",\
            "desiredStatus":"\(task.desiredStatus ?? "")","createdAt":\(task.createdAt?.seconds ?? 0)\(optional),\
            "containers":[\(containers)],"attachments":[\(attachments)]}
            """
    }

    /// What a body says; nil if it can't be read. The same questions come again and again: each is read once.
    private mutating func input(_ body: [UInt8]) -> Input? {
        if let known = inputs[body] { return known }
        guard let input = try? JSONDecoder().decode(Input.self, from: Data(body)) else { return nil }
        if inputs.count >= 64 { inputs.removeAll(keepingCapacity: true) }
        inputs[body] = input
        return input
    }

    /// Everything that an operation may be given.
    struct Input: Decodable, Sendable {
        struct Tag: Decodable, Sendable {
            var key: String
            var value: String?
        }

        var services: [String]?
        var include: [String]?
        var service: String?
        var serviceName: String?
        var desiredCount: Int?
        var desiredStatus: String?
        var task: String?
        var tasks: [String]?
        var reason: String?
        var tags: [Tag]?
        var tagKeys: [String]?
        var protectionEnabled: Bool?
        var expiresInMinutes: Int?
    }
}
