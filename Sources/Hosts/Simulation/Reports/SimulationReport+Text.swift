extension SimulationReport {
    /// The report for people: groups of lines, then at most `limit` findings.
    package func text(limit: Int = 40) -> String {
        var lines = [
            "\(days) \(days == 1 ? "day" : "days"), \(uses) uses by \(agents) \(agents == 1 ? "agent" : "agents"), seed \(seed)",
            "",
            row(
                "hours up",
                "\(Self.decimal(hoursUp, 1)): \(Self.decimal(hoursUsed, 1)) used, \(Self.decimal(hoursForNobody, 1)) for nobody"),
            row(
                "cost",
                "$\(Self.decimal(cost, 2)), $\(Self.decimal(costPerMonth, 2)) in 30 days, at $\(Self.decimal(pricePerHour, 5)) an hour"
            ),
            row("tasks", "\(tasks) after \(wakes) wakes; \(crashes) crashed, \(reclaims) taken back by Spot"), "",
            row("served", "\(served), refused \(refused)"),
            row("waits for a start", waitText),
            row("cut", "\(cutBySleep) by the decision to sleep, \(cutOtherwise) otherwise"),
            row("sleeps", "\(sleeps), of them \(wrongSleeps) wrong"),
            row(
                "up for nobody",
                "\(idleTooLong) times beyond \(Self.decimal(idleBound / 60, 1)) min, \(Self.decimal(hoursTooLong, 1)) h too long; "
                    + "at most \(Self.decimal(longestIdle / 60, 1)) min"),
        ]
        lines += ranked("What the idle check said", answers)
        lines += ranked("What went wrong in functions", failures)
        if !findings.isEmpty { lines += ["", "When and why"] }
        for finding in findings.prefix(limit) { lines.append("  \(Self.clock(finding.time))  \(finding.what)") }
        if findings.count > limit { lines.append("  and \(findings.count - limit) more: --json has all of them") }
        return lines.joined(separator: "\n") + "\n"
    }

    private var waitText: String {
        guard waitingUses > 0 else { return "none" }
        return
            "\(waitingUses), until the first byte \(Self.decimal(medianWait, 0)) s in the middle, \(Self.decimal(highWait, 0)) s for 19 of 20, "
            + "\(Self.decimal(longestWait, 0)) s at most"
    }

    private func row(_ name: String, _ value: String) -> String {
        name + String(repeating: " ", count: max(1, 20 - name.count)) + value
    }

    private func ranked(_ title: String, _ counts: [(reason: String, count: Int)]) -> [String] {
        guard !counts.isEmpty else { return [] }
        return ["", title]
            + counts.map { entry in
                let number = "\(entry.count)"
                return String(repeating: " ", count: max(1, 8 - number.count)) + number + "  " + entry.reason
            }
    }

    /// A number with a fixed count of digits behind the point.
    static func decimal(_ number: Double, _ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { result, _ in result * 10 }
        let whole = Int((number * scale).rounded())
        guard digits > 0 else { return "\(whole)" }
        let sign = whole < 0 ? "-" : ""
        let text = "\(abs(whole))"
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
    }

    /// The moment as `day 3 14:05:31`.
    package static func clock(_ moment: Moment) -> String {
        let seconds = Int(moment - Moment.beginning)
        let (day, rest) = (seconds / 86_400, seconds % 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "day \(day + 1) \(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
    }
}
