package import NIOCore

/// Amazon ECS, as far as the control plane needs it.
package struct ECS: Sendable {
    /// The client that calls are made with.
    package let client: AWSClient

    /// The operations of ECS with this client.
    package init(_ client: AWSClient) {
        self.client = client
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
            .ecs, version: "1.1", api: "AmazonEC2ContainerServiceV20141113", operation, input, as: output, deadline: deadline)
    }
}
