package import NIOCore
package import Pipeline

/// The stage's configuration with what the environment says in its gaps, in seconds where it is reckoned with.
package struct ServiceSettings: Sendable, Equatable {
    /// What a request does, or `byPath`.
    package var action: ECSServiceAction
    /// The cluster's name, never empty.
    package var cluster: String
    /// The service's name, never empty.
    package var service: String
    /// The AWS region; nil for that of the surroundings.
    package var region: String?
    /// When the service is put to sleep.
    package var policy: SleepPolicy
    /// What it may use of time and money.
    package var limits = ServiceLimits()
    /// The namespace of the service's metrics.
    package var metricsNamespace: String
    /// The value of the metrics' dimension `Service`.
    package var metricsService: String
    /// The port of the address that `status` gives.
    package var port: Int
    /// Which address of the task `status` gives.
    package var address: ECSTaskAddress
    /// How long AWS may take for one action, attempts included.
    package var timeout: TimeAmount

    /// Fills the gaps of a configuration; throws where neither it nor the environment names cluster and service, or a variable can't be
    /// read.
    package init(_ configuration: ECSServiceConfiguration, environment: [String: String]) throws(StageError) {
        action = configuration.action
        cluster = try Self.name("cluster", configuration.cluster, "CLUSTER", environment)
        service = try Self.name("service", configuration.service, "SERVICE", environment)
        region = configuration.region
        policy = SleepPolicy()
        if let configured = configuration.idleThreshold {
            policy.idleThreshold = Self.seconds(configured)
        } else if let minutes = try Self.number("IDLE_THRESHOLD_MINUTES", "of minutes", 10_080, environment) {
            policy.idleThreshold = minutes * 60
        }
        policy.grace = Self.seconds(configuration.grace)
        policy.cooldown = Self.seconds(configuration.cooldown)
        policy.startDeadline = Self.seconds(configuration.startDeadline)
        policy.crashes = configuration.crashes
        policy.missingMetrics = Self.seconds(configuration.missingMetrics)
        policy.unheard = Self.seconds(configuration.unheard)
        policy.silentStreams = Self.seconds(configuration.silentStreams)
        policy.period = max(1, Int(Self.seconds(configuration.metricsPeriod)))
        policy.delay = Self.seconds(configuration.metricsDelay)
        limits = try ServiceLimits(configuration, environment)
        metricsNamespace = configuration.metricsNamespace
        metricsService = configuration.metricsService ?? service
        port = configuration.port
        address = configuration.address
        timeout = .nanoseconds(Int64(configuration.timeout / .nanoseconds(1)))
    }

    private static func name(
        _ key: String, _ configured: String?, _ variable: String, _ environment: [String: String]
    ) throws(StageError) -> String {
        if let name = configured ?? environment[variable], !name.isEmpty { return name }
        throw StageError(
            .configuration, "the \(key) isn't known: set '\(key)' or the variable \(variable)",
            key: configured == nil ? nil : key)
    }

    /// What a variable says; nil where it isn't there or empty.
    static func number(
        _ variable: String, _ what: String, _ most: Double, _ environment: [String: String]
    ) throws(StageError) -> Double? {
        guard let text = environment[variable], !text.isEmpty else { return nil }
        guard let value = Double(text), value > 0, value <= most else {
            throw StageError(.configuration, "\(variable) is a number \(what) up to \(Int(most)), not '\(text)'")
        }
        return value
    }

    static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
}
