import AWS
import ControlStages

extension WorldState {
    mutating func handle(_ event: SimulatedEvent, _ now: Moment) {
        switch event {
        case .check(let isScheduled): if isScheduled { scheduleCheck(now) } else { check(now) }
        case .kill:
            effects.append(.at(.kill, now + 86_400))
            effects.append(.kill)
        case .useBegins(let use): useBegins(use, now)
        case .useEnds(let use): useEnds(use, now)
        case .useGivesUp(let use): useGivesUp(use, now)
        case .agentStarts(let agent): if agents[agent].presence == nil { effects.append(.startAgent(agent)) }
        case .agentEnds(let agent, let restarts): agentEnds(agent, restarts: restarts, now)
        case .connected(let agent, let life, let task): connected(agent, life: life, task: task, now)
        case .reconcile: reconcile(now)
        case .taskStarts(let number): taskStarts(number, now)
        case .taskCrashes(let number): if service.task(number)?.isRunning ?? false { exits(number, status: 1, now) }
        case .taskReclaimed(let number): apply(service.stop(number, .reclaimed, now), now)
        case .taskRestarted(let number): apply(service.stop(number, .stopped(by: "Task stopped by user"), now), now)
        case .processLooks(let number): processLooks(number, now)
        case .processKilled(let number): if service.task(number)?.told != nil { exits(number, status: 137, now) }
        case .serverLooks(let number): serverLooks(number, now)
        case .keeperLooks(let number): keeperLooks(number, now)
        case .protectionAsked(let number, let minutes, let asked): protectionAsked(number, minutes: minutes, asked: asked, now)
        case .useDeclared(let number, let asked): useDeclared(number, asked: asked, now)
        case .gateOpens(let number, let use): if servers[number]?.ungate(use) ?? false { begin(use, on: number, now) }
        case .meddle: meddle(now)
        }
    }

    /// What a fault changes by hand.
    private mutating func meddle(_ now: Moment) {
        if let ahead = troubles(now).wokenAhead {
            service.tag(ServiceTags.Key.woken, String(Int(now.seconds + ahead)))
        }
        effects.append(.at(.meddle, now + 21_600))
    }

    /// What the parts of AWS say to a call, and what becomes of tasks by it.
    typealias Part<Content: Sendable> = (answer: ModelledAnswer<Content>, changes: [ModelledService.Change])

    /// Answers a call that was written.
    mutating func answer(_ operation: String, _ body: [UInt8], _ troubles: Troubles, _ now: Moment) -> Part<String> {
        switch operation {
        case "GetMetricData": return (metrics.answer(body, isPartial: troubles.isPartial, now), [])
        case "PutMetricData":
            guard let data = ModelledMetrics.data(body) else { return (.unreadable, []) }
            metrics.put(data, visible: now + scenario.metricsDelay, now)
            return (.done("{}"), [])
        default: return service.answer(operation, body, now)
        }
    }

    /// Answers a call by what it is given.
    mutating func answer(_ input: any Sendable, _ troubles: Troubles, _ now: Moment) -> Part<any Sendable> {
        guard let input = input as? CloudWatch.GetInput else { return service.answer(input, now) }
        return (.done(metrics.answer(input, isPartial: troubles.isPartial, now)), [])
    }

    /// Answers a call to AWS. `skew`: how far the caller's clock is off, as the signature's time says. `part` says what the service that is
    /// called answers if nothing goes wrong before.
    mutating func answer<Content: Sendable>(
        _ operation: String, to caller: ModelledAWS.Caller, skew: Double, _ now: Moment,
        _ part: (inout WorldState, Troubles) -> Part<Content>
    ) -> ModelledAnswer<Content> {
        let troubles = troubles(now)
        if abs(skew) > 300 {
            return .refused(status: 403, name: "InvalidSignatureException", message: "Signature expired")
        }
        if let refusal = refusal(of: operation, troubles) {
            return .refused(status: refusal.status, name: refusal.name, message: "the model was told so")
        }
        if troubles.protectionUnavailable, operation == "UpdateTaskProtection" {
            return .refused(status: 400, name: "AccessDeniedException", message: "the model was told so")
        }
        let before = service.desired
        let (answer, changes) = part(&self, troubles)
        for case .told(let number) in changes { stoppers[number] = caller }
        if troubles.hasTwoTasks, service.desired == 1 { service.want(2, now) }
        if service.desired != before {
            if before == 0 { ledger.wakes += 1 }
            if service.desired == 0 {
                lowered = caller
                if caller == .sleep { ledger.sleeps.append(.init(time: now, reason: "", uses: inUse)) }
            }
            effects.append(.at(.reconcile, now + callChance.between(0.5, 3)))
        }
        apply(changes, now)
        return answer
    }

    /// What an idle check has answered.
    mutating func checked(_ answer: SleepAnswer, _ now: Moment) {
        switch answer.action {
        case .noChange:
            ledger.answers[answer.reason, default: 0] += 1
            asleepSince = answer.desired == 0 && answer.running == 0 ? (service.version, now) : nil
        case .scaledDown:
            asleepSince = nil
            ledger.answers["scaled down: \(answer.reason)", default: 0] += 1
        }
        // A decision that was taken back in the same run has its reason too.
        if let last = ledger.sleeps.indices.last, ledger.sleeps[last].reason.isEmpty { ledger.sleeps[last].reason = answer.reason }
    }
}
