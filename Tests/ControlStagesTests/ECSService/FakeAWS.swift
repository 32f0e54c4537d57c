import AWS
import ControlStages
import Foundation
import Logging
import NIOCore
import Synchronization

/// ECS and CloudWatch as far as one service needs them, in memory. The time only moves when a test says so.
final class FakeAWS: AWSTransport {
    struct State: Sendable {
        var now = 1_795_420_800
        var exists = true
        var desired = 0
        var running = 0
        var pending = 0
        var tags: [String: String] = [:]
        var runningTasks: [[String: String]] = []
        var stoppedTasks: [[String: String]] = []
        var metrics: [String: [(Double, Double)]] = [:]
        var metricStatus = "Complete"
        /// Errors for the next calls of an operation: status and name.
        var failures: [String: [(Int, String)]] = [:]
        var log: [String] = []
        /// Done once, right after an operation was answered.
        var after: [String: @Sendable (inout State) -> Void] = [:]
        var addresses: [String: String] = [:]
        /// The tasks that are protected.
        var protected: Set<String> = []
        /// The tasks that were told to stop, each with the reason.
        var stopping: [String: String] = [:]
        /// How many tasks were wanted, one after the other.
        var wanted: [Int] = []
    }

    let state: Mutex<State>

    init(_ change: (inout State) -> Void = { _ in }) {
        var state = State()
        change(&state)
        self.state = Mutex(state)
    }

    var log: [String] { state.withLock { $0.log } }
    var desired: Int { state.withLock { $0.desired } }
    func change(_ body: @Sendable (inout State) -> Void) { state.withLock { body(&$0) } }

    func control(_ action: ECSServiceAction, _ change: (inout ECSServiceConfiguration) -> Void = { _ in }) throws -> ServiceControl
    {
        var configuration = ECSServiceConfiguration()
        configuration.action = action
        change(&configuration)
        let settings = try ServiceSettings(configuration, environment: ["CLUSTER": "fluidity", "SERVICE": "fluidity-server"])
        let environment = ["AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush"]
        let client = AWSClient(
            surroundings: AWSSurroundings(environment: environment, readFile: { _ in nil }), transport: self,
            clock: .init(
                now: { self.state.withLock { $0.now } }, deadlineNow: { .uptimeNanoseconds(1) }, sleep: { _ in }),
            logger: .silent)
        return ServiceControl(settings: settings, client: client, logger: .silent)
    }

    func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
        let target = request.fields.first { $0.name == "X-Amz-Target" }?.value
        let operation = target.flatMap { $0.split(separator: ".").last }.map(String.init) ?? "DescribeNetworkInterfaces"
        return try state.withLock { state in
            state.log.append(operation)
            if var failures = state.failures[operation], !failures.isEmpty {
                let (status, name) = failures.removeFirst()
                state.failures[operation] = failures
                return AWSResponse(status: status, body: Array(#"{"__type":"x#\#(name)","message":"secret arn"}"#.utf8))
            }
            defer { state.after.removeValue(forKey: operation)?(&state) }
            if target == nil { return Self.interfaces(state, request) }
            let input = try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any] ?? [:]
            let body = try JSONSerialization.data(withJSONObject: Self.answer(&state, operation, input))
            return AWSResponse(status: 200, body: Array(body))
        }
    }

    private static func answer(_ state: inout State, _ operation: String, _ input: [String: Any]) -> [String: Any] {
        switch operation {
        case "DescribeServices":
            return state.exists ? ["services": [service(state)]] : ["services": [], "failures": [["reason": "MISSING"]]]
        case "UpdateService":
            state.desired = input["desiredCount"] as? Int ?? -1
            state.wanted.append(state.desired)
            return ["service": service(state)]
        case "ListTasks":
            let tasks = input["desiredStatus"] as? String == "STOPPED" ? state.stoppedTasks : state.runningTasks
            return ["taskArns": tasks.compactMap { $0["arn"] }]
        case "DescribeTasks":
            return ["tasks": (state.runningTasks + state.stoppedTasks).map(task)]
        case "StopTask":
            state.stopping[input["task"] as? String ?? ""] = input["reason"] as? String
            return [:]
        case "GetTaskProtection":
            let tasks = input["tasks"] as? [String] ?? []
            return ["protectedTasks": tasks.map { ["taskArn": $0, "protectionEnabled": state.protected.contains($0)] }]
        case "TagResource":
            for tag in input["tags"] as? [[String: String]] ?? [] { state.tags[tag["key"] ?? ""] = tag["value"] }
            return [:]
        case "GetMetricData":
            let queries = input["MetricDataQueries"] as? [[String: Any]] ?? []
            return [
                "MetricDataResults": queries.map { query in
                    let metric = (query["MetricStat"] as? [String: Any])?["Metric"] as? [String: Any]
                    let points = state.metrics[metric?["MetricName"] as? String ?? ""] ?? []
                    return [
                        "Id": query["Id"] ?? "", "Timestamps": points.map(\.0), "Values": points.map(\.1),
                        "StatusCode": state.metricStatus,
                    ]
                }
            ]
        default: return [:]
        }
    }

    private static func service(_ state: State) -> [String: Any] {
        [
            "serviceArn": "arn:aws:ecs:us-east-1:123456789012:service/fluidity/fluidity-server", "serviceName": "fluidity-server",
            "status": "ACTIVE", "desiredCount": state.desired, "runningCount": state.running, "pendingCount": state.pending,
            "tags": state.tags.map { ["key": $0.key, "value": $0.value] },
        ]
    }

    private static func task(_ fields: [String: String]) -> [String: Any] {
        var task: [String: Any] = ["taskArn": fields["arn"] ?? ""]
        for key in ["lastStatus", "desiredStatus", "stoppedReason", "stopCode"] { task[key] = fields[key] }
        if let code = fields["exitCode"].flatMap({ Int($0) }) { task["containers"] = [["name": "server", "exitCode": code]] }
        for key in ["createdAt", "pullStartedAt", "startedAt", "stoppedAt"] { task[key] = fields[key].flatMap { Double($0) } }
        if let interface = fields["eni"] {
            let details = ["networkInterfaceId": interface, "privateIPv4Address": fields["private"]].compactMapValues(\.self)
            task["attachments"] = [["type": "eni", "details": details.map { ["name": $0.key, "value": $0.value] }]]
        }
        return task
    }

    private static func interfaces(_ state: State, _ request: AWSRequest) -> AWSResponse {
        let items = state.addresses.map { id, address in
            "<item><networkInterfaceId>\(id)</networkInterfaceId><association><publicIp>\(address)</publicIp></association></item>"
        }.joined()
        return AWSResponse(status: 200, body: Array("<r><networkInterfaceSet>\(items)</networkInterfaceSet></r>".utf8))
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
