extension WorldState {
    /// What is in store for the next task.
    mutating func fate(_ now: Moment) -> ModelledTask.Fate {
        let troubles = troubles(now)
        let range = scenario.startTime
        // The mean of three: most starts are near the middle.
        let draw = (taskChance.fraction() + taskChance.fraction() + taskChance.fraction()) / 3
        var fate = ModelledTask.Fate(startTakes: range.lowerBound + (range.upperBound - range.lowerBound) * draw)
        // Drawn in any case, so that one setting doesn't change what another one does.
        let (crash, reclaim) = (taskChance.wait(mean: 1), taskChance.wait(mean: 1))
        fate.crashesAfter = troubles.crashesAfter ?? scenario.crashInterval.map { $0 * crash }
        fate.reclaimedAfter = scenario.reclaimInterval.map { $0 * reclaim }
        if troubles.imageIsBroken { fate.failure = "CannotPullContainerError: the image was not found" }
        return fate
    }

    mutating func reconcile(_ now: Moment) {
        service.honoursProtection = !troubles(now).protectionIgnored
        var fates: [ModelledTask.Fate] = []
        // At most two are made at once.
        for _ in 0..<max(0, service.desired - service.running - service.pending) { fates.append(fate(now)) }
        let (changes, again) = service.reconcile(now) { fates.popLast() ?? ModelledTask.Fate(startTakes: 60) }
        apply(changes, now)
        if let again { effects.append(.at(.reconcile, again + 1)) }
    }

    /// Draws the consequences of what became of tasks.
    mutating func apply(_ changes: [ModelledService.Change], _ now: Moment) {
        for change in changes {
            switch change {
            case .launched(let task):
                ledger.tasks += 1
                effects.append(.at(.taskStarts(task.number), now + task.fate.startTakes))
            case .told(let number):
                letGo(number, now)
                effects.append(.at(.processKilled(number), now + scenario.stopTimeout))
            case .stopped(let number): stopped(number, now)
            }
        }
    }

    /// A task's time to start is over.
    mutating func taskStarts(_ number: Int, _ now: Moment) {
        apply(service.started(number, now), now)
        guard let task = service.task(number), task.isRunning, servers[number] == nil else { return }
        servers[number] = ModelledServer(task: number, now: now)
        effects.append(.at(.serverLooks(number), now + 0.5))
        if scenario.protects { effects.append(.at(.keeperLooks(number), now + 0.1)) }
        if let seconds = task.fate.crashesAfter { effects.append(.at(.taskCrashes(number), now + seconds)) }
        if let seconds = task.fate.reclaimedAfter { effects.append(.at(.taskReclaimed(number), now + seconds)) }
        for case .restarts(let seconds) in scenario.faults.map(\.kind) {
            effects.append(.at(.taskRestarted(number), now + seconds))
        }
    }

    /// The process ends by itself, crashed or finished.
    mutating func exits(_ number: Int, status: Int, _ now: Moment) {
        if status == 0, servers[number] != nil { report(number, now) }
        apply(service.exited(number, status: status, now), now)
    }

    /// A process begins to end in order: its agents go elsewhere, what is open may finish.
    mutating func letGo(_ number: Int, _ now: Moment) {
        servers[number]?.drain(now)
        for use in servers[number]?.ungateAll() ?? [] { giveBack(use, now) }
        for agent in agents.indices where agents[agent].server == number { lose(agent) }
        effects.append(.at(.processLooks(number), now + 0.5))
        effects.append(.at(.processLooks(number), now + scenario.drain))
    }

    /// A process that is to end does so when nothing is open, or its patience is over.
    mutating func processLooks(_ number: Int, _ now: Moment) {
        guard let server = servers[number], let since = server.drainedSince else { return }
        if server.open.isEmpty || now - since >= scenario.drain { exits(number, status: 0, now) }
    }

    private mutating func stopped(_ number: Int, _ now: Moment) {
        effects.append(.at(.reconcile, now + 1))
        guard var server = servers[number] else { return }
        let cause = cause(of: number)
        switch cause {
        case .crashed: ledger.crashes += 1
        case .reclaimed: ledger.reclaims += 1
        default: break
        }
        for use in server.ungateAll() { giveBack(use, now) }
        for open in server.open where server.end(open.use, of: scenario.uses, now, isCut: true) {
            ledger.cuts.append(.init(time: now, use: scenario.uses[open.use], cause: cause))
        }
        for agent in agents.indices where agents[agent].server == number { lose(agent) }
        servers[number] = nil
    }

    private func cause(of number: Int) -> Ledger.Cause {
        switch service.task(number)?.end {
        case .reclaimed: .reclaimed
        case .stopped:
            stoppers[number] == .sleep ? .limit(ledger.sleeps.last?.reason ?? "") : stoppers[number] == nil ? .restarted : .kill
        case .scaledIn where service.desired == 0 || lowered == .sleep:
            lowered == .sleep ? .sleep(ledger.sleeps.last?.reason ?? "") : .kill
        case .scaledIn: .scaledIn
        default: .crashed
        }
    }

    // MARK: - Reports

    mutating func serverLooks(_ number: Int, _ now: Moment) {
        guard servers[number]?.hasToReport(of: scenario.uses, now) ?? false else { return look(number, hasChanged: false, now) }
        report(number, now)
        look(number, hasChanged: false, now)
    }

    mutating func look(_ number: Int, hasChanged: Bool, _ now: Moment) {
        guard let next = servers[number]?.nextLook(hasChanged: hasChanged, now) else { return }
        effects.append(.at(.serverLooks(number), next))
    }

    private mutating func report(_ number: Int, _ now: Moment) {
        let troubles = troubles(now)
        let arrives = troubles.reports && !refuses("PutMetricData", troubles)
        let data = servers[number]?.report(
            of: scenario.uses, now, clock: troubles.serverClock, interval: scenario.reportInterval, arrives: arrives)
        guard arrives, let data else { return }
        let jitter = metricsChance.between(0, 3)
        let isLost = metricsChance.happens(troubles.loss)
        noteReport(isLost: isLost)
        guard !isLost else { return }
        metrics.put(data, visible: now + (scenario.metricsDelay + troubles.lateness + jitter), now)
    }

    /// Whether AWS refuses a call now, by chance.
    mutating func refuses(_ operation: String, _ troubles: Troubles) -> Bool { refusal(of: operation, troubles) != nil }

    mutating func refusal(of operation: String, _ troubles: Troubles) -> Troubles.Refusal? {
        for refusal in troubles.refusals where refusal.operation == nil || refusal.operation == operation {
            if refusal.probability >= 1 || callChance.happens(refusal.probability) { return refusal }
        }
        return nil
    }
}
