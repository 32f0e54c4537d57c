import ControlStages

extension WorldState {
    /// How often a server looks by itself whether its task is to be protected. The product does every second; what it would do in between
    /// can wait for a moment, and what comes makes it look at once.
    private static let interval = 15.0

    mutating func keeperLooks(_ number: Int, _ now: Moment) {
        guard let wish = servers[number]?.nextWish(of: scenario.uses, now) else { return }
        let arrives = now + callChance.between(0.03, 0.2)
        switch wish {
        case .none, .declare: break
        case .leave: letGo(number, now)
        case .protect(let minutes): effects.append(.at(.protectionAsked(number, minutes: minutes, asked: now), arrives))
        case .release: effects.append(.at(.protectionAsked(number, minutes: nil, asked: now), arrives))
        }
        guard let server = servers[number], !server.protection.isLeaving, server.nextKeeperLook <= now else { return }
        servers[number]?.nextKeeperLook = now + Self.interval
        effects.append(.at(.keeperLooks(number), now + Self.interval))
    }

    /// ECS gets a server's wish, and the server the answer.
    mutating func protectionAsked(_ number: Int, minutes: Int?, asked: Moment, _ now: Moment) {
        guard servers[number] != nil else { return }
        let answer = protectionAnswer(number, minutes: minutes, now)
        let action = servers[number]?.answered(answer, toProtect: minutes != nil, asked: asked, now)
        if action == .declare {
            effects.append(.at(.useDeclared(number, asked: now), now + callChance.between(0.06, 0.4)))
            return
        }
        settled(number, action, now)
    }

    /// ECS gets the tag by which a server declares that it is in use, and then says whether the service wants a task.
    mutating func useDeclared(_ number: Int, asked: Moment, _ now: Moment) {
        guard servers[number] != nil else { return }
        let answer = declarationAnswer(number, now)
        let action = servers[number]?.declared(answer, asked: asked, now)
        settled(number, action, now)
    }

    private mutating func declarationAnswer(_ number: Int, _ now: Moment) -> TaskProtection.Answer {
        let troubles = troubles(now)
        if let refusal = refusalToTheEnd(of: "TagResource", troubles) {
            return refusal.name.hasPrefix("AccessDenied") ? .denied : .failed
        }
        guard let task = service.task(number) else { return .failed }
        let until = now.seconds + troubles.serverClock + UseDeclaration.validity
        service.tag(ServiceTags.Key.inUse, UseDeclaration(until: until, task: ServiceTags.shortName(task.arn)).tag)
        guard refusalToTheEnd(of: "DescribeServices", troubles) == nil else { return .failed }
        return service.desired > 0 ? .done : .blocked(isWanted: false)
    }

    /// What a call comes to that is tried as often as the server's client does; nil if it succeeds.
    private mutating func refusalToTheEnd(of operation: String, _ troubles: Troubles) -> Troubles.Refusal? {
        var last: Troubles.Refusal?
        for _ in 0..<5 {
            last = refusal(of: operation, troubles)
            guard let last, last.status == 500 || last.name.hasPrefix("Throttling") else { return last }
        }
        return last
    }

    /// What follows from an answer to a server's wish.
    private mutating func settled(_ number: Int, _ action: TaskProtection.Action?, _ now: Moment) {
        if action == .leave { letGo(number, now) }
        if let retry = servers[number]?.retry(now) { effects.append(.at(.keeperLooks(number), retry)) }
        guard let server = servers[number], !server.gated.isEmpty else { return }
        if server.protection.passes(now: now - server.started) {
            for use in servers[number]?.ungateAll() ?? [] { begin(use, on: number, now) }
            look(number, hasChanged: true, now)
        } else {
            effects.append(.at(.keeperLooks(number), now))
        }
    }

    private mutating func protectionAnswer(_ number: Int, minutes: Int?, _ now: Moment) -> TaskProtection.Answer {
        let troubles = troubles(now)
        guard !troubles.protectionUnavailable else { return .denied }
        if let refusal = refusal(of: "UpdateTaskProtection", troubles) {
            return refusal.name.hasPrefix("AccessDenied") ? .denied : .failed
        }
        switch service.protect(number, until: minutes.map { now + Double(60 * $0) }, now) {
        case nil: return .done
        case .notValid: return .blocked(isWanted: false)
        case .blocked:
            let isUnknown = refusalToTheEnd(of: "DescribeServices", troubles) != nil
            return .blocked(isWanted: isUnknown ? nil : service.desired > 0)
        }
    }
}
