import AWS
import ConfigurationLanguage
import ControlStages
import HTTPMessages
import Logging
import NIOCore
import Pipeline
import ServerWaking
import Synchronization

/// One simulation: the product's own functions and drivers in a modelled world, under a time that only moves when nothing is left to do.
package final class World: Sendable {
    let time = VirtualTime(start: Moment.beginning)
    private let scenario: Scenario
    private let state: Mutex<WorldState>
    private let controls = Mutex<[ModelledAWS.Caller: ServiceControl]>([:])
    private let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    private let hasClockFaults: Bool
    let wire: Wire

    /// How calls come to the modelled AWS, and to the functions. The runs are the same.
    package enum Wire: Sendable, CaseIterable {
        /// As values: most of a run's time would go into JSON.
        case values
        /// Written and read, as in life.
        case json
    }

    private init(_ scenario: Scenario, _ wire: Wire) {
        self.scenario = scenario
        self.wire = wire
        hasClockFaults = scenario.faults.contains { if case .functionClock = $0.kind { true } else { false } }
        state = Mutex(WorldState(scenario, start: Moment.beginning))
    }

    /// Runs a scenario to its end, on the calling thread.
    package static func run(_ scenario: Scenario, by wire: Wire = .values) -> Ledger {
        let world = World(scenario, wire)
        world.prepare()
        let end = Moment.beginning + Double(scenario.days) * 86_400
        world.time.run(until: end) { event in
            let now = world.time.now
            world.change { $0.handle(event, now) }
        }
        return world.state.withLock { state in
            state.close(end)
            return state.ledger
        }
    }

    private func prepare() {
        let beginning = Moment.beginning
        time.add(.check(isScheduled: true), after: 60)
        time.add(.reconcile, after: 3_600)
        if let kill = scenario.killTime { time.add(.kill, after: kill) }
        for fault in scenario.faults { if case .wokenAhead = fault.kind { time.add(.meddle, after: fault.from) } }
        for (index, use) in scenario.uses.enumerated() { time.add(.useBegins(index), at: beginning + use.start) }
        for session in AgentSession.sessions(of: scenario.uses) {
            time.add(.agentStarts(session.agent), at: beginning + session.start)
            time.add(.agentEnds(session.agent, restarts: false), at: beginning + session.end)
            for fault in scenario.faults {
                guard case .agentRestarts(let interval) = fault.kind else { continue }
                for again in stride(from: session.start + interval, to: session.end, by: interval) {
                    guard again >= fault.from, again < fault.until else { continue }
                    time.add(.agentEnds(session.agent, restarts: true), at: beginning + again)
                }
            }
        }
    }

    // MARK: - The state and what follows from it

    @discardableResult
    private func change<Result: Sendable>(_ body: (inout WorldState) -> Result) -> Result {
        let now = time.now
        let (result, effects) = state.withLock { state in
            state.tally(now)
            let result = body(&state)
            state.noteIdleness(now)
            defer { state.effects = [] }
            return (result, state.effects)
        }
        for effect in effects { perform(effect) }
        return result
    }

    private func perform(_ effect: WorldState.Effect) {
        switch effect {
        case .at(let event, let moment): time.add(event, at: moment)
        case .startAgent(let index): startAgent(index)
        case .endAgent(let agent, let kills):
            agent.running?.cancel()
            guard let driver = agent.driver else { return }
            Task(executorPreference: time) { await driver.finish(started: kills) }
        case .up(let presence): presence.connected()
        case .down(let presence): presence.disconnected()
        case .want(let presence): presence.want()
        case .check: run(.sleep) { [self] in checked(try await control(.sleep).sleep()) }
        case .kill: run(.kill) { [self] in _ = try await control(.kill).kill() }
        }
    }

    private func checked(_ answer: SleepAnswer) {
        let now = time.now
        change { $0.checked(answer, now) }
    }

    private func run(_ function: ModelledAWS.Caller, _ body: @escaping @Sendable () async throws -> Void) {
        Task(executorPreference: time) {
            do { try await body() } catch {
                let code = (error as? ServiceError)?.code ?? "\(error)"
                self.change { $0.ledger.failures["\(function): \(code)", default: 0] += 1 }
            }
        }
    }

    private func startAgent(_ index: Int) {
        let clock = LifecycleClock(
            now: { [time] in .milliseconds(time.now.milliseconds - Moment.beginning.milliseconds) },
            sleep: { [time] in try await time.sleep($0 / .seconds(1)) },
            random: { [weak self] in self?.state.withLock { $0.callChance.next() } ?? 0 })
        let driver = LifecycleDriver(
            settings: scenario.lifecycle,
            client: ControlClient(settings: scenario.lifecycle, transport: ModelledGateway(world: self)),
            progress: Progress(screen: nil) { _ in }, clock: clock, logger: logger)
        guard let presence = driver.presence else { return }
        let life = change { state in
            state.agents[index].life += 1
            return state.agents[index].life
        }
        presence.observe { [weak self, weak presence] in
            guard let self, let presence else { return }
            let (phase, address, now) = (presence.phase, presence.address?.host, self.time.now)
            self.change { $0.presenceChanged(index, life: life, phase, address, now) }
        }
        let running = Task(executorPreference: time) { await driver.run() }
        change { $0.agentStarted(index, presence, driver, running) }
    }

    // MARK: - For what calls

    /// How long a call takes on its way, in seconds.
    func callTime() -> Double { state.withLock { $0.callChance.between(0.02, 0.12) } }

    /// The product's functions, as that caller has them.
    func control(_ caller: ModelledAWS.Caller) -> ServiceControl {
        controls.withLock { controls in
            if let control = controls[caller] { return control }
            let clock = AWSClient.Clock(
                now: { [weak self] in self?.functionTime ?? 0 },
                deadlineNow: { [time] in .uptimeNanoseconds(UInt64(time.now.milliseconds) * 1_000_000) },
                sleep: { [time] in try await time.sleep($0 / .seconds(1)) },
                random: { [weak self] in self?.state.withLock { $0.callChance.next() } ?? 0 })
            let transport = ModelledAWS(world: self, caller: caller)
            let client = AWSClient(
                surroundings: AWSSurroundings(environment: ["AWS_REGION": "us-east-1"], readFile: { _ in nil }),
                transport: wire == .json ? transport : ModelledAWSValues(wire: transport),
                credentials: FixedCredentials(Credentials(accessKey: "AKIDEXAMPLE", secretKey: "modelled", sessionToken: nil)),
                clock: clock, signs: false, logger: logger)
            let control = ServiceControl(settings: scenario.service, client: client, logger: logger)
            controls[caller] = control
            return control
        }
    }

    private var functionTime: Int {
        let now = time.now
        let isOff = hasClockFaults ? state.withLock { $0.troubles(now).functionClock } : 0
        return Int((now.seconds + isOff).rounded(.down))
    }

    func answer(_ request: AWSRequest, to caller: ModelledAWS.Caller) -> AWSResponse {
        let now = time.now
        let target = request.fields.first { $0.name == "X-Amz-Target" }?.value
        guard let operation = target?.split(separator: ".").last.map(String.init) else {
            return interfaces(request)
        }
        // Reading the time of a signature is worth its price only where somebody's clock may be off.
        let signed =
            hasClockFaults ? request.fields.first { $0.name == "X-Amz-Date" }.flatMap { Self.time(ofSignature: $0.value) } : nil
        let skew = signed.map { $0 - now.seconds } ?? 0
        let body = request.body
        switch change({ $0.answer(operation, to: caller, skew: skew, now) { $0.answer(operation, body, $1, now) } }) {
        case .done(let text): return AWSResponse(status: 200, body: Array(text.utf8))
        case .refused(let status, let name, let message):
            return AWSResponse(
                status: status, fields: [(name: "Date", value: HTTPDate.text(Int(now.seconds)))],
                body: Array(#"{"__type":"com.amazonaws#\#(name)","message":"\#(message)"}"#.utf8))
        }
    }

    func answer(_ call: AWSCall, to caller: ModelledAWS.Caller) -> AWSResult {
        let now = time.now
        let skew = Double(call.time) - now.seconds
        switch change({ $0.answer(call.operation, to: caller, skew: skew, now) { $0.answer(call.input, $1, now) } }) {
        case .done(let value): return .done(value)
        case .refused(let status, let name, let message):
            return .refused(status: status, name: name, message: message, date: Int(now.seconds))
        }
    }

    /// EC2 says which address an interface has.
    private func interfaces(_ request: AWSRequest) -> AWSResponse {
        let text = String(decoding: request.body, as: UTF8.self)
        let task = state.withLock { state in state.service.tasks.first { text.hasSuffix("=\($0.interface)") } }
        let item = task.map { task in
            "<item><networkInterfaceId>\(task.interface)</networkInterfaceId>"
                + "<association><publicIp>\(task.address)</publicIp></association></item>"
        }
        let body = """
            <DescribeNetworkInterfacesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">\
            <networkInterfaceSet>\(item ?? "")</networkInterfaceSet></DescribeNetworkInterfacesResponse>
            """
        return AWSResponse(status: 200, body: Array(body.utf8))
    }

    /// Seconds of the Unix epoch from `20261123T080000Z`.
    private static func time(ofSignature text: String) -> Double? {
        let digits = Array(text)
        guard digits.count == 16 else { return nil }
        func part(_ range: Range<Int>) -> String { String(digits[range]) }
        return AWSTime.parse("\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z")
    }
}
