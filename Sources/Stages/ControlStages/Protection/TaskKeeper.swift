import AWS
import AsyncHTTPClient
import Logging
import NIOCore
import Pipeline
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Protects the task that this process runs in while it is in use, as `TaskProtection` says.
final class TaskKeeper: Sendable {
    /// How long the ECS agent is waited for: less where somebody waits with it, so that the use can be declared in time.
    private static let patience = TimeAmount.seconds(5)
    private static let impatience = TimeAmount.seconds(1)
    private static let look = Duration.seconds(1)

    private struct State {
        var task: Task<Void, Never>?
        var isStopped = false
        /// What kept the task from being protected last, and from declaring its use: only a change is worth a line.
        var problem: String?
        var undeclared: String?
    }

    let gate = ProtectionGate()
    private let settings: TaskProtectionSettings
    private let telemetry: Telemetry
    private let agent: TaskAgent
    private let http: HTTPClient
    private let service: TaskService
    private let observe: @Sendable (_ isProtected: Bool, _ hasFailed: Bool) -> Void
    private let leave: @Sendable () -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// Nil where there is no ECS agent: this is no task of ECS.
    ///
    /// - Parameters:
    ///   - service: The name of the service, of which it is asked whether it still wants a task.
    ///   - observe: Told of every answer.
    ///   - leave: Has the process end in order.
    init?(
        settings: TaskProtectionSettings, service: String?, region: String?, environment: [String: String], telemetry: Telemetry,
        group: any EventLoopGroup, logger: Logger, observe: @escaping @Sendable (Bool, Bool) -> Void,
        leave: @escaping @Sendable () -> Void
    ) {
        http = HTTPTransport.makeClient(on: group)
        let transport = HTTPTransport(client: http)
        guard let agent = TaskAgent(environment: environment, transport: transport) else {
            http.shutdown { _ in }
            return nil
        }
        self.agent = agent
        self.settings = settings
        self.telemetry = telemetry
        self.observe = observe
        self.leave = leave
        self.logger = logger
        let client = AWSClient(
            surroundings: AWSSurroundings(environment: environment), region: region, transport: transport, logger: logger)
        self.service = TaskService(
            name: service, environment: environment, transport: transport, client: client, logger: logger)
    }

    func start() {
        state.withLock { state in
            guard state.task == nil, !state.isStopped else { return }
            state.task = Task { await self.run() }
        }
    }

    /// What protects the task now runs out by itself, or goes with the task: another generation may hold it already.
    func stop() async {
        let (wasStopped, task) = state.withLock { state in
            defer { state.isStopped = true }
            return (state.isStopped, state.task)
        }
        guard !wasStopped else { return }
        task?.cancel()
        await task?.value
        gate.enter(.leaving)
        try? await http.shutdown()
    }

    private func run() async {
        let began = ContinuousClock.now
        @Sendable func now() -> Double { (ContinuousClock.now - began) / .seconds(1) }
        var protection = TaskProtection(
            quiet: settings.quiet / .seconds(1), expiry: settings.expiry / .seconds(1), now: now())
        let ticks = Task { [gate] in
            while !Task.isCancelled {
                gate.ask()
                try? await Task.sleep(for: Self.look)
            }
        }
        var sooner: Task<Void, Never>?
        defer {
            ticks.cancel()
            sooner?.cancel()
        }
        var seen: Activity?
        /// When something last began, ended or moved bytes, by when it was noticed.
        var moved = now()
        for await _ in gate.asked {
            guard !Task.isCancelled else { return }
            let activity = await telemetry.activity()
            let time = now()
            if seen?.openExchanges != activity.openExchanges || seen?.lastActivity != activity.lastActivity { moved = time }
            seen = activity
            let isOpen = activity.openExchanges > 0 && time - moved < settings.silentStreams / .seconds(1)
            switch protection.next(used: isOpen ? time : moved, now: time) {
            case .none, .declare: break
            case .leave: leave()
            case .protect(let minutes): await ask(minutes, &protection, now)
            case .release:
                publish(protection, now())
                // Nothing passes the gate any more; what had passed it is known to its loop.
                let again = await telemetry.activity()
                if again.openExchanges > activity.openExchanges || again.lastActivity != activity.lastActivity {
                    protection.keep()
                } else {
                    await ask(nil, &protection, now)
                }
            }
            publish(protection, now())
            if let retry = protection.retry(after: now()) {
                sooner?.cancel()
                sooner = Task { [gate, wait = retry - now()] in
                    do { try await Task.sleep(for: .seconds(wait)) } catch { return }
                    gate.ask()
                }
            }
        }
    }

    private func publish(_ protection: TaskProtection, _ now: Double) {
        gate.enter(protection.isLeaving ? .leaving : protection.passes(now: now) ? .open : .closed)
    }

    private func ask(_ minutes: Int?, _ protection: inout TaskProtection, _ now: @Sendable () -> Double) async {
        let asked = now()
        let patience = minutes != nil && !protection.passes(now: asked) ? Self.impatience : Self.patience
        let outcome = await agent.protect(minutes: minutes, deadline: .now() + patience)
        let answer: TaskProtection.Answer
        switch outcome {
        case .done: answer = .done
        case .denied: answer = .denied
        case .failed: answer = .failed
        case .blocked: answer = .blocked(isWanted: minutes == nil ? nil : await service.isWanted())
        }
        say(outcome, isProtecting: minutes != nil)
        var action = protection.answered(answer, toProtect: minutes != nil, asked: asked, now: now())
        observe(protection.isProtected(now: now()), outcome != .done)
        if action == .declare { action = await declare(&protection, now) }
        guard action == .leave else { return }
        logger.notice("the service wants no task any more; this one ends before anything new begins")
        publish(protection, now())
        leave()
    }

    /// Says in the service's tags that the task is in use, since it isn't protected.
    private func declare(
        _ protection: inout TaskProtection, _ now: @Sendable () -> Double
    ) async -> TaskProtection.Action {
        let asked = now()
        let (answer, problem) = await service.declareUse()
        let before = state.withLock { state in
            defer { state.undeclared = problem }
            return state.undeclared
        }
        if let problem, problem != before {
            logger.warning(
                answer == .denied
                    ? "the task may not declare its use either: its role lacks ecs:TagResource on the service"
                    : "the task's use can't be declared either",
                metadata: ["reason": "\(problem)"])
        }
        return protection.declared(answer, asked: asked, now: now())
    }

    private func say(_ outcome: TaskAgent.Outcome, isProtecting: Bool) {
        let problem: String? =
            switch outcome {
            case .done: nil
            case .blocked(let reason), .denied(let reason), .failed(let reason): reason
            }
        let before = state.withLock { state in
            defer { state.problem = problem }
            return state.problem
        }
        if let problem, problem != before {
            let isDenied = if case .denied = outcome { true } else { false }
            logger.warning(
                isDenied
                    ? "the task may not protect itself while it is in use: its role lacks ecs:UpdateTaskProtection"
                    : isProtecting ? "the task can't be protected while it is in use" : "the task's protection can't be given up",
                metadata: ["reason": "\(problem)"])
        } else if problem == nil, before != nil {
            logger.notice("the task's protection works again")
        }
    }
}
