import AWS
import Logging
import NIOCore
import Synchronization

/// The service that this task belongs to, as ECS knows it: whether it wants a task, and what the task declares in its tags.
final class TaskService: Sendable {
    private static let patience = TimeAmount.seconds(5)

    private let name: String?
    private let environment: [String: String]
    private let transport: any AWSTransport
    private let client: AWSClient
    private let logger: Logger
    /// The service's ARN, once it was found out.
    private let arn = Mutex<String?>(nil)

    /// - Parameter name: The service's name, where the task's metadata don't know it.
    init(name: String?, environment: [String: String], transport: any AWSTransport, client: AWSClient, logger: Logger) {
        self.name = name
        self.environment = environment
        self.transport = transport
        self.client = client
        self.logger = logger
    }

    /// Whether the service wants a task; nil where nobody says so.
    func isWanted() async -> Bool? {
        let deadline = client.deadline(in: Self.patience)
        do throws(AWSError) {
            let task = try await metadata(deadline)
            if task.desiredStatus == "STOPPED" { return false }
            return try await described(task, deadline).map { $0.desiredCount > 0 }
        } catch {
            logger.warning("it can't be found out whether the service wants this task", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Writes down that this task is in use, and looks only then whether the service wants a task: whoever sets the number to none looks at
    /// what is written after that, so that one of the two sees the other.
    func declareUse() async -> (answer: TaskProtection.Answer, problem: String?) {
        let deadline = client.deadline(in: Self.patience)
        do throws(AWSError) {
            let task = try await metadata(deadline)
            if task.desiredStatus == "STOPPED" { return (.blocked(isWanted: false), nil) }
            if arn.withLock({ $0 }) == nil {
                guard let service = try await described(task, deadline) else { return (.failed, "the service isn't known") }
                guard service.desiredCount > 0 else { return (.blocked(isWanted: false), nil) }
            }
            guard let arn = arn.withLock({ $0 }) else { return (.failed, "the service's ARN isn't known") }
            let declaration = UseDeclaration(
                until: Double(client.now) + UseDeclaration.validity, task: ServiceTags.shortName(task.taskARN))
            try await ECS(client).tag(arn, [.init(ServiceTags.Key.inUse, declaration.tag)], deadline: deadline)
            guard let service = try await described(task, deadline) else { return (.failed, "the service isn't known") }
            return (service.desiredCount > 0 ? .done : .blocked(isWanted: false), nil)
        } catch {
            return (error.isDenial ? .denied : .failed, "\(error)")
        }
    }

    private func metadata(_ deadline: NIODeadline) async throws(AWSError) -> TaskMetadata {
        try await TaskMetadata.read(environment: environment, transport: transport, deadline: deadline)
    }

    private func described(_ task: TaskMetadata, _ deadline: NIODeadline) async throws(AWSError) -> ECS.Service? {
        guard let name = task.serviceName ?? name else { return nil }
        let service = try await ECS(client).describeService(cluster: task.cluster, service: name, deadline: deadline)
        if let known = service?.serviceArn { arn.withLock { $0 = known } }
        return service
    }
}
