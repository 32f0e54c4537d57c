/// What the operations are given and answer, as their bodies have it. A model of ECS takes and gives these in place of JSON.
extension ECS {
    /// What DescribeServices is given.
    package struct ServicesInput: Encodable, Sendable {
        /// The cluster's name.
        package var cluster: String
        /// The services' names or ARNs.
        package var services: [String]
        /// `TAGS` for their tags too.
        package var include: [String]
    }

    /// What DescribeServices answers.
    package struct ServicesOutput: Decodable, Sendable {
        /// The services that were found.
        package var services: [Service]?
        /// One for each that wasn't.
        package var failures: [ServiceFailure]?

        /// An answer.
        package init(services: [Service], failures: [ServiceFailure]) {
            self.services = services
            self.failures = failures
        }
    }

    /// Why a service wasn't described.
    package struct ServiceFailure: Decodable, Sendable {
        /// `MISSING`, or another word of AWS's.
        package var reason: String?
        /// More of it, for people.
        package var detail: String?

        /// A failure with AWS's word for it.
        package init(reason: String) {
            self.reason = reason
        }
    }

    /// What UpdateService is given.
    package struct UpdateInput: Encodable, Sendable {
        /// The cluster's name.
        package var cluster: String
        /// The service's name or ARN.
        package var service: String
        /// How many tasks it is to want.
        package var desiredCount: Int
    }

    /// What UpdateService answers.
    package struct UpdateOutput: Decodable, Sendable {
        /// The service as it is then.
        package var service: Service

        /// An answer.
        package init(service: Service) {
            self.service = service
        }
    }

    /// What ListTasks is given.
    package struct ListInput: Encodable, Sendable {
        /// The cluster's name.
        package var cluster: String
        /// The service's name or ARN.
        package var serviceName: String
        /// `RUNNING`, or `STOPPED` for those that are to stop or have.
        package var desiredStatus: String
    }

    /// What ListTasks answers.
    package struct ListOutput: Decodable, Sendable {
        /// The tasks' ARNs.
        package var taskArns: [String]?

        /// An answer.
        package init(taskArns: [String]) {
            self.taskArns = taskArns
        }
    }

    /// What DescribeTasks is given.
    package struct TasksInput: Encodable, Sendable {
        /// The cluster's name.
        package var cluster: String
        /// The tasks' ARNs or ids.
        package var tasks: [String]
    }

    /// What DescribeTasks answers.
    package struct TasksOutput: Decodable, Sendable {
        /// The tasks that were found.
        package var tasks: [TaskState]?

        /// An answer.
        package init(tasks: [TaskState]) {
            self.tasks = tasks
        }
    }

    /// What StopTask is given.
    package struct StopInput: Encodable, Sendable {
        /// The cluster's name.
        package var cluster: String
        /// The task's ARN or id.
        package var task: String
        /// Why, for people.
        package var reason: String
    }

    /// What GetTaskProtection is given.
    package struct ProtectionInput: Encodable, Sendable {
        /// The cluster's name.
        package var cluster: String
        /// The tasks' ARNs or ids.
        package var tasks: [String]
    }

    /// What GetTaskProtection answers.
    package struct ProtectionOutput: Decodable, Sendable {
        /// The tasks that can be protected, whether they are or not.
        package var protectedTasks: [Protection]?

        /// An answer.
        package init(protectedTasks: [Protection]) {
            self.protectedTasks = protectedTasks
        }
    }

    /// Whether a task is protected.
    package struct Protection: Decodable, Sendable {
        /// The task's ARN.
        package var taskArn: String
        /// True if it is.
        package var protectionEnabled: Bool?

        /// Whether the task with the ARN is protected.
        package init(taskArn: String, protectionEnabled: Bool) {
            self.taskArn = taskArn
            self.protectionEnabled = protectionEnabled
        }
    }

    /// What TagResource is given.
    package struct TagInput: Encodable, Sendable {
        /// The ARN of what is tagged.
        package var resourceArn: String
        /// The tags that are set.
        package var tags: [Tag]
    }

    /// What an operation answers that has nothing to say.
    package struct Nothing: Decodable, Sendable {
        /// The answer.
        package init() {}
    }
}
