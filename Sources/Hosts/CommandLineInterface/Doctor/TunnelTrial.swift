import ConfigurationLanguage
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Runtime
import TunnelStages

/// One tunnel by one way, with the stages of the configuration themselves: between them stands what watches.
struct TunnelTrial {
    /// What came of it.
    struct Outcome: Sendable {
        var seen: TunnelWatch.Seen
        var began: NIODeadline
        /// Of requests through the tunnel, each until its answer.
        var roundTrips: [Duration] = []
        var download: Probe.Outcome?
        var upload: Probe.Outcome?
        /// Why an idle connection came to nothing, and when; nil where it lives.
        var idle: String?

        var works: Bool { seen.place == .established }
    }

    /// What it is to do beside connecting.
    struct Wishes: Sendable {
        /// An `http` URL with a large answer, that takes a large request.
        var throughput: ThroughputTarget?
        /// How long the connection is to be idle.
        var idle: Duration?
    }

    private static let requests = 6
    private static let measured = Duration.seconds(4)
    /// For TLS and the first frames, beside what `connect` has for itself.
    private static let patience = Duration.seconds(12)

    let configuration: LoadedConfiguration
    let tunnel: LoadedConfiguration.Tunnel
    let logger: Logger

    /// Tries it once.
    ///
    /// - Parameter connect: The stage's configuration, with one way.
    func run(_ connect: ConnectConfiguration, _ wishes: Wishes = Wishes()) async throws -> Outcome {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (watch, probe) = (TunnelWatch(), Probe())
        let generation: Generation
        do {
            let plan = try Plan(folding: try stages(connect, watch, probe, isIdle: wishes.idle != nil))
            generation = Generation(plan: plan, group: group, logger: logger, exchangeLog: nil, number: nil)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        let began = NIODeadline.now()
        do {
            try await generation.start()
            let limit = began + TimeAmount(connect.timeout + Self.patience)
            while watch.seen.place < .established, watch.seen.failure == nil, .now() < limit {
                try await Task.sleep(for: .milliseconds(5))
            }
            var outcome = Outcome(seen: watch.seen, began: began)
            if outcome.works { try await use(probe, watch, wishes, &outcome) }
            await generation.stop()
            try? await group.shutdownGracefully()
            return outcome
        } catch {
            await generation.stop()
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private func stages(
        _ connect: ConnectConfiguration, _ watch: TunnelWatch, _ probe: Probe, isIdle: Bool
    ) throws -> [ListedStage] {
        var list = [ListedStage(name: "probe", stage: ProbeStage(probe: probe))]
        let last = tunnel.stages.count - 1
        for (index, entry) in tunnel.stages.enumerated() {
            var own = connect
            own.connections = .exactly(1)
            if index == last {
                list.append(ListedStage(name: "watch", stage: WatchStage(watch: watch, place: .open)))
                let context = StageContext(logger: logger, host: configuration.host)
                list.append(
                    ListedStage(name: entry.name, stage: try ConnectFactory().make(own, form: entry.form, context: context)))
                continue
            }
            if index == 0, var frame = entry.configuration as? FrameConfiguration {
                // Nothing is said in between, which would keep it alive.
                if isIdle { frame.pingInterval = .seconds(3_600) }
                let context = StageContext(logger: logger, host: configuration.host)
                list.append(
                    ListedStage(name: entry.name, stage: try FrameFactory().make(frame, form: entry.form, context: context)))
            } else {
                list.append(ListedStage(name: entry.name, stage: try configuration.stage(entry, logger: logger)))
            }
            if index == 0 { list.append(ListedStage(name: "watch", stage: WatchStage(watch: watch, place: .secure))) }
        }
        return list
    }

    private func use(_ probe: Probe, _ watch: TunnelWatch, _ wishes: Wishes, _ outcome: inout Outcome) async throws {
        for _ in 0..<Self.requests {
            let answer = try await probe.ask(.nowhere, within: .seconds(10))
            guard answer.failure == nil else { break }
            outcome.roundTrips.append(answer.time)
        }
        if let target = wishes.throughput {
            outcome.download = try await probe.ask(
                target.request("GET", body: .none), for: Self.measured, within: Self.measured + .seconds(10))
            outcome.upload = try await probe.ask(
                target.request("POST", body: .known(1 << 40)), sending: true, for: Self.measured,
                within: Self.measured + .seconds(10))
        }
        if let idle = wishes.idle {
            let began = NIODeadline.now()
            let until = began + TimeAmount(idle)
            while .now() < until, watch.seen.failure == nil { try await Task.sleep(for: .milliseconds(50)) }
            if let failure = watch.seen.failure {
                let time = Duration.nanoseconds(((watch.seen.endedAt ?? .now()) - began).nanoseconds)
                outcome.idle = "was ended after \(time.rounded): \(failure)"
            } else if let failure = try await probe.ask(.nowhere, within: .seconds(10)).failure {
                outcome.idle = "carries nothing any more after \(idle.rounded), without having been ended: \(failure)"
            }
        }
        outcome.seen = watch.seen
    }
}
