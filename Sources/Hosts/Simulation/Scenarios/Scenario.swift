package import ControlStages
package import Pipeline

/// Everything that a simulation is given.
package struct Scenario: Sendable {
    /// What the smallest task costs an hour with its address, by the table of docs/operations.md.
    package static let usualPrice = 0.25 * 0.04048 + 0.5 * 0.004445 + 0.005

    /// What chance begins with.
    package var seed: UInt64 = 1
    /// How many days.
    package var days = 7
    /// The control plane's settings.
    package var service: ServiceSettings
    /// How agents have the server woken.
    package var lifecycle: LifecycleSettings
    /// Who uses the server, the earliest first.
    package var uses: [Use] = []
    /// How often it is looked whether the server is idle, in seconds.
    package var checkInterval = 300.0
    /// The second of the day at which the server is stopped in any case; nil for never.
    package var killTime: Double?
    /// How long a server that is to end lets open exchanges finish, in seconds.
    package var drain = 110.0
    /// How long after SIGTERM a task gets SIGKILL, in seconds.
    package var stopTimeout = 120.0
    /// How often the server reports, in seconds.
    package var reportInterval = 60.0
    /// How long after a report CloudWatch gives it, in seconds.
    package var metricsDelay = 60.0
    /// Whether the server protects its task while it is in use.
    package var protects = true
    /// The shortest and the longest start of a task, in seconds.
    package var startTime = 20.0...90.0
    /// How long a server runs on average until it crashes, in seconds; nil for never.
    package var crashInterval: Double?
    /// How long a task runs on average until Spot takes its capacity back, in seconds; nil for not on Spot.
    package var reclaimInterval: Double?
    /// What a running task costs an hour, in dollars.
    package var pricePerHour = Scenario.usualPrice
    /// What goes wrong beside.
    package var faults: [Fault] = []

    /// How long a task may be there for nobody before it is worth a line, in seconds: everything that has to pass until it has stopped, one
    /// after the other.
    package var idleBound: Double {
        let policy = service.policy
        let known = metricsDelay + reportInterval + Double(policy.period)
        let rest = checkInterval + stopTimeout + startTime.upperBound + 60
        // Without reports the server's word is waited for instead.
        let isDeaf = faults.contains { fault in
            switch fault.kind {
            case .noReports, .partialMetrics, .failing("GetMetricData", _), .denied("GetMetricData"), .denied("PutMetricData"): true
            default: false
            }
        }
        return (isDeaf ? policy.grace + policy.missingMetrics : policy.idleThreshold + known) + rest
    }

    /// A scenario with nobody in it.
    package init(service: ServiceSettings, lifecycle: LifecycleSettings) {
        self.service = service
        self.lifecycle = lifecycle
    }
}
