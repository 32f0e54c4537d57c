import ControlStages

extension WorldState {
    /// How often a server looks by itself whether its task is to be protected. The product does every second; what it would do in between
    /// can wait for a moment, and what comes makes it look at once.
    private static let interval = 15.0

    mutating func keeperLooks(_ number: Int, _ now: Moment) {
        guard let wish = servers[number]?.nextWish(of: scenario.uses, now) else { return }
        let arrives = now + callChance.between(0.03, 0.2)
        switch wish {
        case .none: break
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
            // The server's client asks as often as that of the functions does.
            let isUnknown = (0..<5).allSatisfy { _ in refuses("DescribeServices", troubles) }
            return .blocked(isWanted: isUnknown ? nil : service.desired > 0)
        }
    }
}
