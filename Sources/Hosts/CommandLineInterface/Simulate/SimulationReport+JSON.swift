package import Simulation

extension SimulationReport {
    /// The report for programs, with every finding. Times are seconds since the beginning, and durations seconds.
    package var json: JSON {
        .members([
            "days": .number("\(days)"), "seed": .number("\(seed)"), "agents": .number("\(agents)"),
            "hours": .members([
                "up": number(hoursUp), "used": number(hoursUsed), "forNobody": number(hoursForNobody),
                "beyondTheBound": number(hoursTooLong),
            ]),
            "cost": .members([
                "dollars": number(cost), "dollarsPerMonth": number(costPerMonth), "dollarsPerHour": number(pricePerHour),
            ]),
            "tasks": .members([
                "made": .number("\(tasks)"), "wakes": .number("\(wakes)"), "crashes": .number("\(crashes)"),
                "reclaims": .number("\(reclaims)"),
            ]),
            "uses": .members([
                "wanted": .number("\(uses)"), "served": .number("\(served)"), "refused": .number("\(refused)"),
                "cutBySleep": .number("\(cutBySleep)"), "cutOtherwise": .number("\(cutOtherwise)"),
            ]),
            "waits": .members([
                "uses": .number("\(waitingUses)"), "median": number(medianWait), "of95Percent": number(highWait),
                "longest": number(longestWait),
            ]),
            "sleeps": .members(["all": .number("\(sleeps)"), "wrong": .number("\(wrongSleeps)")]),
            "idle": .members([
                "bound": number(idleBound), "beyondTheBound": .number("\(idleTooLong)"), "longest": number(longestIdle),
            ]),
            "checks": counts(answers), "failures": counts(failures),
            "findings": .array(
                findings.map { finding in
                    .members([
                        "kind": .text(finding.kind), "at": number(finding.time - .beginning),
                        "moment": .text(SimulationReport.clock(finding.time)), "what": .text(finding.what),
                    ])
                }),
        ])
    }

    private func counts(_ counts: [(reason: String, count: Int)]) -> JSON {
        .array(counts.map { .members(["reason": .text($0.reason), "count": .number("\($0.count)")]) })
    }

    private func number(_ value: Double) -> JSON { .number(value.isFinite ? "\((value * 1_000).rounded() / 1_000)" : "0") }
}
