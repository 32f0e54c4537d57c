package import NIOCore

/// Amazon ECS, as far as the control plane needs it.
package struct ECS: Sendable {
    /// The client that calls are made with.
    package let client: AWSClient

    /// The operations of ECS with this client.
    package init(_ client: AWSClient) {
        self.client = client
    }

    /// A service and what of it runs.
    package struct Service: Sendable, Hashable, Decodable {
        /// The service's ARN, which tags are set by.
        package var serviceArn: String?
        /// The service's name.
        package var serviceName: String
        /// The service's status: `ACTIVE`, `DRAINING` or `INACTIVE`.
        package var status: String
        /// How many tasks the service wants.
        package var desiredCount: Int
        /// How many tasks run.
        package var runningCount: Int
        /// How many tasks are being started.
        package var pendingCount: Int
        /// The deployments, of which the one with the status `PRIMARY` is the current.
        package var deployments: [Deployment]?
        /// The service's tags; nil if they weren't asked for.
        package var tags: [Tag]?

        /// The value of the tag with that key, or nil.
        package func tag(_ key: String) -> String? { tags?.first { $0.key == key }?.value }
    }

    /// One of a service's deployments: a version of its task definition, and how far it is rolled out.
    package struct Deployment: Sendable, Hashable, Decodable {
        /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
        package var status: String?
        /// When the deployment began.
        package var createdAt: Instant?
        /// When the deployment was last changed.
        package var updatedAt: Instant?
        /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
        package var rolloutState: String?
        /// Why the rollout is in that state, for people.
        package var rolloutStateReason: String?
    }

    /// A tag of a resource.
    package struct Tag: Sendable, Hashable, Codable {
        /// The tag's key.
        package var key: String
        /// The tag's value, which may be missing.
        package var value: String?
    }

    /// One container of a task.
    package struct Container: Sendable, Hashable, Decodable {
        /// The container's name in the task definition.
        package var name: String?
        /// The exit status; nil while it runs, and if it never ran.
        package var exitCode: Int?
        /// Why the container stopped or didn't start, if AWS says it.
        package var reason: String?
    }

    /// A task, and how far it has got.
    package struct TaskState: Sendable, Hashable, Decodable {
        /// The task's ARN.
        package var taskArn: String
        /// How far the task is: `PROVISIONING`, `PENDING`, `RUNNING`, `STOPPED` and others.
        package var lastStatus: String?
        /// What the task is to become: `RUNNING` or `STOPPED`.
        package var desiredStatus: String?
        /// When the task was made.
        package var createdAt: Instant?
        /// When the task's images began to be pulled, from which on a task on Fargate is paid for.
        package var pullStartedAt: Instant?
        /// When the task began to run; nil if it hasn't.
        package var startedAt: Instant?
        /// When the task had stopped; nil if it hasn't.
        package var stoppedAt: Instant?
        /// Why the task stopped, for people.
        package var stoppedReason: String?
        /// Why the task stopped, as a word such as `TaskFailedToStart`.
        package var stopCode: String?
        /// What the task is attached to.
        package var attachments: [Attachment]?
        /// The task's containers.
        package var containers: [Container]?

        /// The value of the first detail of that name among the attachments: `networkInterfaceId`, `privateIPv4Address`.
        package func attached(_ name: String) -> String? {
            for attachment in attachments ?? [] {
                for detail in attachment.details ?? [] where detail.name == name { return detail.value }
            }
            return nil
        }
    }

    /// What a task is attached to, its network interface say.
    package struct Attachment: Sendable, Hashable, Decodable {
        /// The attachment's type: `ElasticNetworkInterface` say.
        package var type: String?
        /// How far the attachment is: `ATTACHED` say.
        package var status: String?
        /// What is known of the attachment.
        package var details: [Detail]?
    }

    /// A name and a value of an attachment.
    package struct Detail: Sendable, Hashable, Decodable {
        /// The detail's name.
        package var name: String?
        /// The detail's value.
        package var value: String?
    }

    /// The service, or nil when there is none of that name.
    package func describeService(
        cluster: String, service: String, deadline: NIODeadline
    ) async throws(AWSError) -> Service? {
        let answer = try await call(
            "DescribeServices", ServicesInput(cluster: cluster, services: [service], include: ["TAGS"]), as: ServicesOutput.self,
            deadline)
        if let found = answer.services?.first { return found }
        if let failure = answer.failures?.first, failure.reason != "MISSING" {
            throw AWSError(
                .service(name: failure.reason ?? "Unknown", status: 200), failure.detail ?? "the service can't be described")
        }
        return nil
    }

    /// Changes how many tasks are wanted, and returns the service as it then is.
    package func updateService(
        cluster: String, service: String, desiredCount: Int, deadline: NIODeadline
    ) async throws(AWSError) -> Service {
        try await call(
            "UpdateService", UpdateInput(cluster: cluster, service: service, desiredCount: desiredCount), as: UpdateOutput.self,
            deadline
        ).service
    }

    /// What tasks of the service there are, at most a hundred. Those that have stopped are known for about an hour.
    package func listTasks(
        cluster: String, service: String, desiredStatus: String, deadline: NIODeadline
    ) async throws(AWSError) -> [String] {
        try await call(
            "ListTasks", ListInput(cluster: cluster, serviceName: service, desiredStatus: desiredStatus), as: ListOutput.self,
            deadline
        ).taskArns ?? []
    }

    /// The tasks with these ARNs, of the first hundred.
    package func describeTasks(
        cluster: String, tasks: [String], deadline: NIODeadline
    ) async throws(AWSError) -> [TaskState] {
        guard !tasks.isEmpty else { return [] }
        return try await call(
            "DescribeTasks", TasksInput(cluster: cluster, tasks: Array(tasks.prefix(100))), as: TasksOutput.self, deadline
        ).tasks ?? []
    }

    /// Tells a task to stop, protected or not; a service starts another if it wants one. The reason is for people.
    package func stopTask(cluster: String, task: String, reason: String, deadline: NIODeadline) async throws(AWSError) {
        _ = try await call("StopTask", StopInput(cluster: cluster, task: task, reason: reason), as: Nothing.self, deadline)
    }

    /// Which of these tasks, of the first hundred, are protected from being stopped because their service wants fewer.
    package func protectedTasks(
        cluster: String, tasks: [String], deadline: NIODeadline
    ) async throws(AWSError) -> [String] {
        guard !tasks.isEmpty else { return [] }
        let input = ProtectionInput(cluster: cluster, tasks: Array(tasks.prefix(100)))
        return try await call("GetTaskProtection", input, as: ProtectionOutput.self, deadline)
            .protectedTasks?.filter { $0.protectionEnabled == true }.map(\.taskArn) ?? []
    }

    /// Sets tags of the resource with the ARN, and leaves its others.
    package func tag(_ arn: String, _ tags: [Tag], deadline: NIODeadline) async throws(AWSError) {
        _ = try await call("TagResource", TagInput(resourceArn: arn, tags: tags), as: Nothing.self, deadline)
    }

    private func call<Output: Decodable>(
        _ operation: String, _ input: some Encodable & Sendable, as output: Output.Type, _ deadline: NIODeadline
    ) async throws(AWSError) -> Output {
        try await client.json(
            .ecs, version: "1.1", target: "AmazonEC2ContainerServiceV20141113.\(operation)", input, as: output,
            deadline: deadline)
    }

    private struct ServicesInput: Encodable, Sendable {
        var cluster: String
        var services: [String]
        var include: [String]
    }

    private struct ServicesOutput: Decodable {
        var services: [Service]?
        var failures: [ServiceFailure]?
    }

    private struct ServiceFailure: Decodable {
        var reason: String?
        var detail: String?
    }

    private struct UpdateInput: Encodable, Sendable {
        var cluster: String
        var service: String
        var desiredCount: Int
    }

    private struct UpdateOutput: Decodable { var service: Service }

    private struct ListInput: Encodable, Sendable {
        var cluster: String
        var serviceName: String
        var desiredStatus: String
    }

    private struct ListOutput: Decodable { var taskArns: [String]? }

    private struct TasksInput: Encodable, Sendable {
        var cluster: String
        var tasks: [String]
    }

    private struct TasksOutput: Decodable { var tasks: [TaskState]? }

    private struct StopInput: Encodable, Sendable {
        var cluster: String
        var task: String
        var reason: String
    }

    private struct ProtectionInput: Encodable, Sendable {
        var cluster: String
        var tasks: [String]
    }

    private struct ProtectionOutput: Decodable { var protectedTasks: [Protection]? }

    private struct Protection: Decodable {
        var taskArn: String
        var protectionEnabled: Bool?
    }

    private struct TagInput: Encodable, Sendable {
        var resourceArn: String
        var tags: [Tag]
    }

    private struct Nothing: Decodable {}
}

extension ECS.Tag {
    /// A tag with a value.
    package init(_ key: String, _ value: String) {
        self.init(key: key, value: value)
    }
}

/// A point in time, in seconds of the Unix epoch: a number or a text in AWS's answers.
package struct Instant: Sendable, Hashable, Comparable, Decodable {
    /// Seconds of the Unix epoch.
    package var seconds: Double

    /// A point so many seconds after the Unix epoch.
    package init(_ seconds: Double) {
        self.seconds = seconds
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            seconds = number
        } else if let time = AWSTime.parse(try container.decode(String.self)) {
            seconds = time
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no point in time")
        }
    }

    package static func < (left: Instant, right: Instant) -> Bool { left.seconds < right.seconds }
}
