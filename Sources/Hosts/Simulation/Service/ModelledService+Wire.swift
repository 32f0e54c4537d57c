#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What an operation is answered with: a body, or AWS's word for why not.
enum WireAnswer: Sendable, Equatable {
    case done(String)
    case refused(status: Int, name: String, message: String)

    static let unknownOperation = WireAnswer.refused(status: 400, name: "InvalidAction", message: "the model has no such operation")
    static let unreadable = WireAnswer.refused(status: 400, name: "SerializationException", message: "the input can't be read")
}

extension ModelledService {
    /// Answers an operation of ECS as AWS does, JSON for JSON.
    mutating func answer(_ operation: String, _ body: [UInt8], _ now: Moment) -> (answer: WireAnswer, changes: [Change]) {
        guard let input = input(body) else { return (.unreadable, []) }
        switch operation {
        case "DescribeServices":
            let known = (input.services ?? []).filter(Self.isName)
            let missing = (input.services ?? []).filter { !Self.isName($0) }
            let failures = missing.map { #"{"arn":"\#(Self.prefix)\#($0)","reason":"MISSING"}"# }.joined(separator: ",")
            let services = known.isEmpty ? "" : described(withTags: input.include?.contains("TAGS") ?? false)
            return (.done(#"{"services":[\#(services)],"failures":[\#(failures)]}"#), [])
        case "UpdateService":
            guard input.service.map(Self.isName) ?? false else { return (Self.noService, []) }
            if let count = input.desiredCount { want(count, now) }
            return (.done(#"{"service":\#(described(withTags: false))}"#), [])
        case "ListTasks":
            guard input.serviceName.map(Self.isName) ?? true else { return (Self.noService, []) }
            let wantsStopped = input.desiredStatus == "STOPPED"
            // As in ECS, the wish counts here, not how far the task is.
            let listed = tasks.filter { ($0.isWanted ? false : true) == wantsStopped }.prefix(100)
            return (.done(#"{"taskArns":[\#(listed.map { #""\#($0.arn)""# }.joined(separator: ","))]}"#), [])
        case "DescribeTasks":
            let found = (input.tasks ?? []).compactMap { ModelledTask.index(of: $0, in: tasks) }
            let failures = (input.tasks ?? []).filter { ModelledTask.index(of: $0, in: tasks) == nil }
                .map { #"{"arn":"\#($0)","reason":"MISSING"}"# }.joined(separator: ",")
            let list = found.map { Self.described(tasks[$0]) }.joined(separator: ",")
            return (.done(#"{"tasks":[\#(list)],"failures":[\#(failures)]}"#), [])
        case "TagResource":
            for each in input.tags ?? [] { tag(each.key, each.value ?? "") }
            return (.done("{}"), [])
        case "UntagResource":
            for key in input.tagKeys ?? [] { untag(key) }
            return (.done("{}"), [])
        case "ListTagsForResource": return (.done(#"{"tags":[\#(tagList)]}"#), [])
        case "StopTask":
            guard let index = input.task.flatMap({ ModelledTask.index(of: $0, in: tasks) }) else {
                return (.refused(status: 400, name: "InvalidParameterException", message: "The referenced task was not found."), [])
            }
            let number = tasks[index].number
            let changes = stop(number, .stopped(by: input.reason ?? "Task stopped by user"), now)
            return (.done(#"{"task":\#(task(number).map(Self.described) ?? "{}")}"#), changes)
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
    private static let noService = WireAnswer.refused(
        status: 400, name: "ServiceNotFoundException", message: "Service not found.")

    private static func isName(_ text: String) -> Bool { text == "fluidity-server" || text == arn }

    private func described(withTags: Bool) -> String {
        let tags = withTags ? #","tags":[\#(tagList)]"# : ""
        return """
            {"serviceArn":"\(Self.arn)","serviceName":"fluidity-server","status":"ACTIVE","desiredCount":\(desired),\
            "runningCount":\(running),"pendingCount":\(pending),"deployments":[{"id":"ecs-svc/1234567890123456789",\
            "status":"PRIMARY","createdAt":\(created.seconds),"updatedAt":\(updated.seconds),"rolloutState":"COMPLETED",\
            "desiredCount":\(desired),"runningCount":\(running),"pendingCount":\(pending)}]\(tags)}
            """
    }

    private var tagList: String {
        tags.sorted { $0.key < $1.key }.map { #"{"key":"\#($0.key)","value":"\#($0.value)"}"# }.joined(separator: ",")
    }

    private static func described(_ task: ModelledTask) -> String {
        var optional = ""
        if let started = task.started { optional += #","startedAt":\#(started.seconds)"# }
        if let told = task.told { optional += #","stoppingAt":\#(told.seconds)"# }
        if let stopped = task.stopped { optional += #","stoppedAt":\#(stopped.seconds)"# }
        if let code = task.stopCode { optional += #","stopCode":"\#(code)""# }
        if let reason = task.stoppedReason { optional += #","stoppedReason":"\#(reason)""# }
        let exit = task.exitCode.map { #","exitCode":\#($0)"# } ?? ""
        let attached = task.isAlive ? "ATTACHED" : "DELETED"
        return """
            {"taskArn":"\(task.arn)","group":"service:fluidity-server","lastStatus":"\(task.lastStatus)",\
            "desiredStatus":"\(task.isWanted ? "RUNNING" : "STOPPED")","createdAt":\(task.created.seconds)\(optional),\
            "containers":[{"name":"server","lastStatus":"\(task.lastStatus)"\(exit)}],"attachments":[{"id":"1",\
            "type":"ElasticNetworkInterface","status":"\(attached)","details":[{"name":"networkInterfaceId",\
            "value":"\(task.interface)"},{"name":"privateIPv4Address","value":"10.0.0.1"}]}]}
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
