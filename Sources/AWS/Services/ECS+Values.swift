extension ECS {
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

        /// A service of which nothing else is known.
        package init(name: String, status: String, desiredCount: Int, runningCount: Int, pendingCount: Int) {
            serviceName = name
            self.status = status
            self.desiredCount = desiredCount
            self.runningCount = runningCount
            self.pendingCount = pendingCount
        }

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

        /// A deployment with its times.
        package init(status: String, createdAt: Instant, updatedAt: Instant, rolloutState: String) {
            self.status = status
            self.createdAt = createdAt
            self.updatedAt = updatedAt
            self.rolloutState = rolloutState
        }
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

        /// A container; `exitCode` is nil while it runs.
        package init(name: String, exitCode: Int?) {
            self.name = name
            self.exitCode = exitCode
        }
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

        /// A task of which nothing else is known.
        package init(arn: String, lastStatus: String, desiredStatus: String) {
            taskArn = arn
            self.lastStatus = lastStatus
            self.desiredStatus = desiredStatus
        }

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

        /// An attachment with what is known of it.
        package init(type: String, status: String, details: [Detail]) {
            self.type = type
            self.status = status
            self.details = details
        }
    }

    /// A name and a value of an attachment.
    package struct Detail: Sendable, Hashable, Decodable {
        /// The detail's name.
        package var name: String?
        /// The detail's value.
        package var value: String?

        /// A name and a value.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}

extension ECS.Tag {
    /// A tag with a value.
    package init(_ key: String, _ value: String) {
        self.init(key: key, value: value)
    }
}
