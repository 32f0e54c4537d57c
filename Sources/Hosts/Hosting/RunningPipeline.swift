import ConfigurationLanguage
import Instruments
import Logging
import NIOCore
import OpenTelemetry
import Pipeline
import Platform
import Runtime
import Synchronization
import TunnelStages

/// One configuration at work: its generations, of which one takes what is new, and the admin listener beside them.
final class RunningPipeline: Sendable {
    private struct State {
        var configuration: LoadedConfiguration
        var current: Generation
        /// Those that run, the newest last, which is `current`.
        var views: [GenerationView]
        /// Those before it that still have something open.
        var past: [Int: Generation] = [:]
        var reloads: [ReloadReport.Result: Int] = [:]
        var lastReload: ReloadReport?
        /// Reads the configuration again; given by the host.
        var reload: (@Sendable () async -> ReloadReport)?
        /// Publishes to what the program that embeds this has bootstrapped.
        var publishing: Task<Void, Never>?
        var isEnding = false

        var number: Int { views.last?.number ?? 1 }
        /// Until the end was recorded.
        var isAudited: Bool? = true
        /// Until what traces and metrics are left were sent.
        var isExporting: Bool? = true
    }

    /// How long what is left of traces may take to be sent at the end: also where the drain has used up its time, and where it hasn't.
    private static let leastPatience = Duration.seconds(1)
    private static let mostPatience = Duration.seconds(5)

    let telemetry: Telemetry
    /// Where what matters for security is recorded; nil where it isn't.
    let audit: AuditLog?
    private let exporter: OTLPExporter?
    private let admin: Generation?
    /// What was read when the program started. What of it no reload changes still counts.
    private let started: LoadedConfiguration
    private let group: any EventLoopGroup
    private let logger: Logger
    private let state: Mutex<State>

    init(
        _ configuration: LoadedConfiguration, plan: Plan, group: any EventLoopGroup, logger: Logger,
        reserved: ReservedAddresses, audit: AuditLog?, ownAddress: OwnAddress? = nil
    ) {
        self.group = group
        self.logger = logger
        started = configuration
        self.audit = audit
        let exporter = configuration.otlp.flatMap { OTLPExporter($0, host: configuration.host, logger: logger) }
        self.exporter = exporter
        let telemetry = Telemetry(reserved: reserved, audit: audit, tracer: exporter?.tracer, ownAddress: ownAddress)
        self.telemetry = telemetry
        state = Mutex(
            State(
                configuration: configuration,
                current: Generation(
                    plan: plan, group: group, logger: logger,
                    exchangeLog: ExchangeLogger.make(configuration.log, host: configuration.host), telemetry: telemetry,
                    host: configuration.host),
                views: [Self.view(1, of: configuration)]))
        admin = configuration.admin.map { settings in
            Generation(
                plan: AdminPipeline.plan(settings, logger: logger), group: group, logger: logger, exchangeLog: nil,
                telemetry: telemetry, number: nil)
        }
    }

    private static func view(_ number: Int, of configuration: LoadedConfiguration) -> GenerationView {
        GenerationView(number: number, since: WallTime.seconds, isDraining: false, configuration: configuration.hash256)
    }

    /// Who operates the program can have the configuration read again.
    func reload(by read: @escaping @Sendable () async -> ReloadReport) { state.withLock { $0.reload = read } }

    /// The admin listener comes first and goes last, so that it can say that the pipeline isn't ready.
    func start() async throws {
        telemetry.enter(control: self)
        do {
            try await startParts()
        } catch {
            // Nobody ends what never ran: neither the collector's thread nor the telemetry's hold on this.
            await finishExporting(within: .zero)
            telemetry.enter(control: nil)
            throw error
        }
    }

    private func startParts() async throws {
        do {
            try audit?.open()
        } catch {
            throw StageError(.unavailable, "the audit log can't be opened: \(error.message)", key: "audit.to")
        }
        record(.configurationLoaded, started, generation: 1)
        try await admin?.start()
        let (generation, host) = state.withLock { ($0.current, $0.configuration.host) }
        do {
            try await generation.start()
        } catch {
            await admin?.stop()
            throw error
        }
        exporter?.start(telemetry)
        audit?.record(.started, [.version: ProgramVersion.number, .host: host.rawValue])
        guard let bridge = MetricsBridge(telemetry, labels: [.init("host", host.rawValue)]) else { return }
        state.withLock { $0.publishing = Task { await bridge.run() } }
    }

    // MARK: - Another configuration

    /// What is written to and read from is looked at anew: log files that were moved, certificates that were renewed.
    func reopenFiles() async {
        do {
            try audit?.open()
        } catch {
            logger.error("the audit log can't be opened anew", metadata: ["reason": "\(error.message)"])
        }
        let generations = state.withLock { Array($0.past.values) + [$0.current] }
        for generation in generations { await generation.reopenFiles() }
    }

    /// Starts the next generation if the configuration is another, then drains the one before. One that can't start changes
    /// nothing. Returns when the next one works.
    func reload(_ configuration: LoadedConfiguration, plan: () throws -> Plan) async -> ReloadReport {
        let (old, number, isEnding) = state.withLock { ($0.configuration, $0.number + 1, $0.isEnding) }
        guard !isEnding else { return decided(.refused, "the program is ending") }
        let lasting = configuration.lastingKeys(unlike: started)
        let needsRestart = lasting.isEmpty ? nil : "\(lasting.joined(separator: ", ")) changes with a restart alone"
        if !lasting.isEmpty {
            logger.warning(
                "what runs keeps what it was started with; the change needs a restart",
                metadata: ["changed": "\(lasting.joined(separator: ", "))"])
        }
        guard !configuration.runs(like: old) else {
            logger.notice(lasting.isEmpty ? "the configuration is as before" : "the pipeline is as before")
            return decided(.unchanged, needsRestart)
        }
        let next: Generation
        do {
            next = Generation(
                plan: try plan(), group: group, logger: logger,
                exchangeLog: ExchangeLogger.make(started.log, host: started.host), telemetry: telemetry, number: number,
                host: started.host)
            try await next.start()
        } catch {
            await telemetry.retire(generation: number)
            let reason = ConnectionFailure.words(for: error)
            audit?.record(
                .configurationRefused, [.file: configuration.file, .sha256: configuration.hash256, .reason: reason])
            logger.error(
                "the new configuration can't be used; the one before stays in use", metadata: ["reason": "\(reason)"])
            return decided(.refused, reason)
        }
        let before = state.withLock { state -> (generation: Generation, number: Int)? in
            // The end may have come meanwhile.
            guard !state.isEnding else { return nil }
            let before = (state.current, state.number)
            state.past[state.number] = state.current
            (state.current, state.configuration) = (next, configuration)
            state.views[state.views.count - 1].isDraining = true
            state.views.append(Self.view(number, of: configuration))
            return before
        }
        guard let before else {
            await next.stop()
            return decided(.refused, "the program is ending")
        }
        record(.configurationLoaded, configuration, generation: number)
        logger.notice("the new configuration is in use", metadata: ["generation": "\(number)"])
        Task { await retire(before.generation, before.number, within: configuration.drain) }
        return decided(.used, needsRestart)
    }

    /// The configuration can't even be read: the one before stays in use.
    func refuse(because error: any Error) -> ReloadReport {
        let first = (error as? ConfigurationErrors)?.errors.first { $0.severity == .error }
        let words = first.map { each in (each.position.map { "line \($0.line): " } ?? "") + each.message } ?? "\(error)"
        audit?.record(.configurationRefused, [.file: first?.file ?? started.file, .reason: words])
        return decided(.refused, "\(error)")
    }

    private func decided(_ result: ReloadReport.Result, _ message: String?) -> ReloadReport {
        state.withLock { state in
            let report = ReloadReport(result, message, generation: state.number, time: WallTime.seconds)
            state.reloads[result, default: 0] += 1
            state.lastReload = report
            return report
        }
    }

    private func retire(_ generation: Generation, _ number: Int, within limit: Duration) async {
        let isFinished = await generation.drain(within: limit)
        await generation.stop()
        await telemetry.retire(generation: number)
        state.withLock { state in
            state.past[number] = nil
            state.views.removeAll { $0.number == number }
        }
        logger.notice(
            isFinished ? "the generation before has ended" : "the generation before was ended",
            metadata: ["generation": "\(number)"])
    }

    private func record(_ event: AuditEvent, _ configuration: LoadedConfiguration, generation: Int) {
        audit?.record(
            event,
            [
                .file: configuration.file, .sha256: configuration.hash256,
                .host: configuration.host.rawValue,
                .generation: "\(generation)",
            ])
    }

    // MARK: - The end

    func drain() async {
        telemetry.enter(.draining)
        audit?.record(.draining, [:])
        let began = ContinuousClock.now
        let (generations, limit) = state.withLock { state in
            state.isEnding = true
            return ([state.current] + state.past.values, state.configuration.drain)
        }
        let status = started.statusLine
        let progress = Task { [telemetry, logger] in
            await DrainProgress(telemetry: telemetry, logger: logger, limit: limit, status: status).run()
        }
        await withTaskGroup(of: Void.self) { group in
            for generation in generations {
                group.addTask { [logger] in
                    guard await !generation.drain(within: limit) else { return }
                    logger.warning("what was still open was ended", metadata: ["drain": "\(limit.printed)"])
                }
            }
        }
        progress.cancel()
        await progress.value
        await stop(within: limit - (.now - began))
    }

    private func finishExporting(within limit: Duration) async {
        guard let exporter = state.withLock({ $0.isExporting.take() }).flatMap({ $0 ? exporter : nil }) else { return }
        await exporter.finish(telemetry, within: limit)
    }

    /// - Parameter time: How long what is sent elsewhere may take, within bounds.
    func stop(within time: Duration = .zero) async {
        let (generations, publishing) = state.withLock { state in
            state.isEnding = true
            return ([state.current] + state.past.values, state.publishing)
        }
        publishing?.cancel()
        await publishing?.value
        for generation in generations { await generation.stop() }
        let patience = min(max(time, Self.leastPatience), Self.mostPatience)
        await finishExporting(within: patience)
        await admin?.stop()
        telemetry.enter(control: nil)
        guard state.withLock({ $0.isAudited.take() ?? false }) else { return }
        audit?.record(.stopped, [:])
        await audit?.finish()
    }
}

extension LoadedConfiguration {
    /// Where a person is told what takes its time; nil where the log is for programs, or there is no terminal.
    fileprivate var statusLine: StatusLine? { log.format == .text ? StatusLine.standardError : nil }
}

extension RunningPipeline {
    /// Says on a terminal, until it takes work for the first time, why it can't. Where a server has to be woken that is told otherwise.
    func showReadiness() async {
        guard let status = started.statusLine, started.lifecycle == nil else { return }
        await ReadinessProgress(telemetry: telemetry, status: status).run()
    }
}

extension RunningPipeline: ProgramControl {
    var livePage: String? {
        switch started.admin?.listen.fromHere {
        case nil: nil
        case .tcp(let host, let port): "http://\(HostPort(host: host, port: port))/"
        case .unix(let path): "unix:\(path)"
        }
    }
    var generations: [GenerationView] { state.withLock { $0.views } }
    var lastReload: ReloadReport? { state.withLock { $0.lastReload } }
    var reloads: [ReloadReport.Result: Int] { state.withLock { $0.reloads } }
    var logLevel: Logger.Level { LogLevel.process.override ?? started.log.level }

    func reload() async -> ReloadReport {
        guard let reload = state.withLock({ $0.reload }) else {
            return decided(.refused, "this program was given its configuration and can't read it again")
        }
        await reopenFiles()
        return await reload()
    }

    func setLogLevel(_ level: Logger.Level) {
        LogLevel.process.set(level)
        logger.notice("another log level was set", metadata: ["level": "\(level)"])
    }
}
