import AWS
import AsyncHTTPClient
import Logging
import NIOCore
import Pipeline
import Synchronization

/// Tells CloudWatch how much a pipeline is used: when it starts, at an interval, when the last agent has left, when work begins after a
/// pause, and at the end.
/// It asks the loops for what they have counted and adds nothing to what they do. AWS being away costs a warning and a counter.
final class CloudWatchReporter: Sendable {
    private static let connectionCheck = Duration.seconds(1)
    private static let lastPatience = TimeAmount.seconds(3)
    private static let patience = TimeAmount.seconds(20)

    private struct State {
        var relayed: Int64 = 0
        var failures: Int64 = 0
        /// Whether the last attempt failed: only a change is worth a line.
        var isAway = false
        var task: Task<Void, Never>?
        var isStopped = false
    }

    private let settings: CloudWatchSettings
    private let dimensions: [CloudWatch.Dimension]
    private let telemetry: Telemetry
    private let http: HTTPClient
    private let cloudWatch: CloudWatch
    private let failed: @Sendable () -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter failed: called for every report that couldn't be delivered.
    init(
        settings: CloudWatchSettings, service: String, telemetry: Telemetry, group: any EventLoopGroup, logger: Logger,
        failed: @escaping @Sendable () -> Void
    ) {
        self.settings = settings
        self.telemetry = telemetry
        self.logger = logger
        self.failed = failed
        dimensions = [CloudWatch.Dimension("Service", service)]
        http = HTTPTransport.makeClient(on: group)
        cloudWatch = CloudWatch(
            AWSClient(surroundings: .process, region: settings.region, transport: HTTPTransport(client: http), logger: logger))
    }

    /// The service's name, from the configuration or the environment.
    static func service(_ settings: CloudWatchSettings, _ environment: [String: String]) throws(StageError) -> String {
        if let name = settings.service ?? environment["SERVICE"], !name.isEmpty { return name }
        throw StageError(
            .configuration, "CloudWatch needs the service's name: set 'cloudwatch.service' or the variable SERVICE",
            key: "cloudwatch")
    }

    func start() {
        state.withLock { state in
            guard state.task == nil, !state.isStopped else { return }
            state.task = Task { await self.run() }
        }
    }

    /// Sends what there is to say at the end, for a short time only.
    func stop() async {
        let task = state.withLock { state in
            defer { state.isStopped = true }
            return state.isStopped ? nil : state.task
        }
        guard let task else { return }
        task.cancel()
        await task.value
        await report(within: Self.lastPatience)
        try? await http.shutdown()
    }

    private func run() async {
        while !Task.isCancelled {
            var early = EarlyReport(after: await report(within: Self.patience))
            let next = ContinuousClock.now + settings.interval
            while ContinuousClock.now < next {
                let left = next - ContinuousClock.now
                do { try await Task.sleep(for: min(left, Self.connectionCheck)) } catch { return }
                if early.isDue(await telemetry.activity()) { break }
            }
        }
    }

    @discardableResult
    private func report(within patience: TimeAmount) async -> Activity {
        let activity = await telemetry.activity()
        let (relayed, failures) = state.withLock { state in
            defer { (state.relayed, state.failures) = (activity.relayedBytes, activity.failures) }
            return (activity.relayedBytes - state.relayed, activity.failures - state.failures)
        }
        let time = cloudWatch.client.now
        let resolution = settings.resolution < .seconds(60) ? 1 : 60
        func datum(_ name: String, _ value: Double, _ unit: CloudWatch.Datum.Unit) -> CloudWatch.Datum {
            CloudWatch.Datum(name, dimensions, value, unit, at: time, resolution: resolution)
        }
        let data = [
            datum("ActiveConnections", Double(activity.openConnections), .count),
            datum("LastActivityEpochSeconds", Double(activity.lastActivity), .seconds),
            datum("ActiveStreams", Double(activity.openExchanges), .count),
            datum("BytesRelayed", Double(max(0, relayed)), .bytes),
            datum("Errors", Double(max(0, failures)), .count),
        ]
        do throws(AWSError) {
            let deadline = cloudWatch.client.deadline(in: patience)
            try await cloudWatch.putMetricData(namespace: settings.namespace, data, deadline: deadline)
            delivered(nil)
        } catch {
            // What it would have said is said by the next one.
            state.withLock { state in
                state.relayed -= relayed
                state.failures -= failures
            }
            delivered(error)
        }
        return activity
    }

    private func delivered(_ error: AWSError?) {
        let wasAway = state.withLock { state in
            defer { state.isAway = error != nil }
            return state.isAway
        }
        guard let error else {
            if wasAway { logger.notice("CloudWatch takes metrics again") }
            return
        }
        failed()
        if !wasAway { logger.warning("CloudWatch doesn't take metrics", metadata: ["reason": "\(error)"]) }
    }
}
