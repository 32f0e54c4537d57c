import ControlStages
import Pipeline
import ServerWaking

extension WorldState {
    /// Until its first byte, a use that finds the tunnel up waits so long.
    private static let roundTrip = 0.1
    private static let handshake = 0.15

    // MARK: - Agents

    /// An agent ends: what is open may finish, and what it says is what its settings say.
    mutating func agentEnds(_ index: Int, restarts: Bool, _ now: Moment) {
        let agent = agents[index]
        guard agent.presence != nil else { return }
        let isBusy = agent.server.flatMap { servers[$0] }?.open.contains { scenario.uses[$0.use].agent == index } ?? false
        guard !isBusy else {
            effects.append(.at(.agentEnds(index, restarts: restarts), now + 10))
            return
        }
        if let number = agent.server, agent.isUp {
            servers[number]?.disconnect(agent: index, saysGoodbye: scenario.lifecycle.onStop == .release)
            look(number, hasChanged: true, now)
        }
        effects.append(.endAgent(agent, kills: scenario.lifecycle.onStop == .kill && !restarts))
        agents[index].presence = nil
        agents[index].driver = nil
        agents[index].running = nil
        agents[index].server = nil
        agents[index].isConnecting = false
        if restarts { effects.append(.at(.agentStarts(index), now + 2)) }
    }

    /// An agent's process is there: what waits already wants the server.
    mutating func agentStarted(_ index: Int, _ presence: ServerPresence, _ driver: LifecycleDriver, _ running: Task<Void, Never>) {
        agents[index].presence = presence
        agents[index].driver = driver
        agents[index].running = running
        if !agents[index].waiting.isEmpty { effects.append(.want(presence)) }
    }

    /// The driver has learned something.
    mutating func presenceChanged(_ index: Int, life: Int, _ phase: ServerPresence.Phase, _ address: String?, _ now: Moment) {
        guard agents[index].life == life, agents[index].presence != nil else { return }
        switch phase {
        case .failed(let reason): refuse(index, reason, now)
        case .waking:
            guard agents[index].server == nil, let address else { return }
            let task = service.tasks.first { $0.isRunning && $0.address == address }
            guard let number = task?.number, servers[number]?.isDraining == false else { return }
            agents[index].server = number
            agents[index].isConnecting = true
            effects.append(.at(.connected(agent: index, life: life, task: number), now + Self.handshake))
        case .asleep, .up: break
        }
    }

    mutating func connected(_ index: Int, life: Int, task number: Int, _ now: Moment) {
        guard agents[index].life == life, agents[index].isConnecting, agents[index].server == number else { return }
        agents[index].isConnecting = false
        guard let presence = agents[index].presence, servers[number]?.isDraining == false else {
            agents[index].server = nil
            return
        }
        servers[number]?.connect(agent: index, life: life)
        effects.append(.up(presence))
        let waiting = agents[index].waiting
        agents[index].waiting = []
        for use in waiting { arrive(use, on: number, now) }
        look(number, hasChanged: true, now)
    }

    /// An agent's connection is no more, or takes nothing new.
    mutating func lose(_ index: Int) {
        guard let number = agents[index].server else { return }
        let wasUp = agents[index].isUp
        agents[index].server = nil
        agents[index].isConnecting = false
        servers[number]?.disconnect(agent: index, saysGoodbye: false)
        if wasUp, let presence = agents[index].presence { effects.append(.down(presence)) }
    }

    private mutating func refuse(_ index: Int, _ reason: String, _ now: Moment) {
        for use in agents[index].waiting {
            ledger.refusals.append(.init(time: now, use: scenario.uses[use], reason: reason))
        }
        agents[index].waiting = []
    }

    // MARK: - Uses

    mutating func useBegins(_ use: Int, _ now: Moment) {
        let index = scenario.uses[use].agent
        if let number = agents[index].server, agents[index].isUp {
            arrive(use, on: number, now)
            look(number, hasChanged: true, now)
            return
        }
        agents[index].waiting.append(use)
        effects.append(.at(.useGivesUp(use), now + scenario.lifecycle.connectionTimeout / .seconds(1)))
        if let presence = agents[index].presence { effects.append(.want(presence)) }
    }

    mutating func useGivesUp(_ use: Int, _ now: Moment) {
        let index = scenario.uses[use].agent
        guard let place = agents[index].waiting.firstIndex(of: use) else { return }
        agents[index].waiting.remove(at: place)
        ledger.refusals.append(.init(time: now, use: scenario.uses[use], reason: "the server wasn't there in time"))
    }

    /// A use has come to a server: it passes, or waits for the task's protection.
    private mutating func arrive(_ use: Int, on number: Int, _ now: Moment) {
        switch servers[number]?.admission(protects: scenario.protects, now) {
        case nil, .leaves: giveBack(use, now)
        case .passes: begin(use, on: number, now)
        case .waits:
            servers[number]?.gate(use)
            effects.append(.at(.keeperLooks(number), now))
            effects.append(.at(.gateOpens(task: number, use: use), now + ModelledServer.keeping.hold / .seconds(1)))
        }
    }

    /// A server that is about to end doesn't take a use: its agent asks for another server.
    mutating func giveBack(_ use: Int, _ now: Moment) {
        let index = scenario.uses[use].agent
        lose(index)
        agents[index].waiting.append(use)
        effects.append(.at(.useGivesUp(use), now + scenario.lifecycle.connectionTimeout / .seconds(1)))
        if let presence = agents[index].presence { effects.append(.want(presence)) }
    }

    mutating func begin(_ use: Int, on number: Int, _ now: Moment) {
        let wanted = start + scenario.uses[use].start
        let wait = now - wanted + Self.roundTrip
        ledger.waits.append(wait)
        if wait > 1 { ledger.starts.append((wanted, wait)) }
        servers[number]?.begin(use, now)
        effects.append(.at(.useEnds(use), now + max(Self.roundTrip, scenario.uses[use].duration)))
    }

    mutating func useEnds(_ use: Int, _ now: Moment) {
        for number in servers.keys where servers[number]?.end(use, of: scenario.uses, now) ?? false {
            ledger.served += 1
            look(number, hasChanged: true, now)
            if servers[number]?.isDraining ?? false { effects.append(.at(.processLooks(number), now + 0.2)) }
            return
        }
    }
}
