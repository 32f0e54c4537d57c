/// How people use a server when no trace says it.
package enum UsePattern: String, Sendable, CaseIterable {
    /// A working day with bursts of requests, a transfer now and then, an event stream, and nights.
    case office
    /// Bursts of a few minutes, half of them with a transfer, with pauses of any length up to an hour.
    case bursty
    /// Somebody who is back 15 to 22 minutes after having finished, often with a transfer: just when the server falls asleep.
    case returning
    /// A short visit on most days, and now and then a second.
    case sparse
    /// Transfers of up to five hours.
    case transfers
    /// Streams that are open for hours: events, and tunnels in which nothing moves.
    case streams
    /// Nobody at all.
    case none

    /// The uses of some days, the earliest first. `agents` of them have one life each.
    package func uses(days: Int, agents: Int, seed: UInt64) -> [Use] {
        var chance = Chance(seed: seed &+ UInt64(Self.allCases.firstIndex(of: self) ?? 0) << 32, part: .uses)
        var uses: [Use] = []
        for agent in 0..<max(1, agents) {
            for day in 0..<days {
                let began = Double(day) * 86_400
                switch self {
                case .office: Self.office(&uses, agent, began, isWeekend: day % 7 > 4, &chance)
                case .bursty: Self.bursty(&uses, agent, began, &chance)
                case .returning: Self.returning(&uses, agent, began, &chance)
                case .sparse: Self.sparse(&uses, agent, began, &chance)
                case .transfers: Self.transfers(&uses, agent, began, &chance)
                case .streams: Self.streams(&uses, agent, began, &chance)
                case .none: break
                }
            }
        }
        return uses.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }.map(\.element)
    }

    private static func request(_ start: Double, _ agent: Int, _ chance: inout Chance) -> Use {
        Use(
            start: start, agent: agent, kind: .request, duration: chance.between(0.1, 4), bytes: Int64(chance.between(500, 200_000))
        )
    }

    private static func transfer(_ start: Double, _ agent: Int, _ seconds: Double, _ chance: inout Chance) -> Use {
        Use(
            start: start, agent: agent, kind: .transfer, duration: seconds,
            bytes: Int64(seconds * chance.between(20_000, 2_000_000)))
    }

    /// Requests for some minutes; returns when it is over.
    private static func burst(
        _ uses: inout [Use], _ agent: Int, _ start: Double, _ minutes: Double, _ chance: inout Chance
    ) -> Double {
        var time = start
        let end = start + minutes * 60
        while time < end {
            uses.append(request(time, agent, &chance))
            time += chance.wait(mean: 40)
        }
        return end
    }

    private static func office(
        _ uses: inout [Use], _ agent: Int, _ day: Double, isWeekend: Bool, _ chance: inout Chance
    ) {
        guard !isWeekend || chance.happens(0.1) else { return }
        var time = day + chance.between(8, 10) * 3_600
        let end = day + chance.between(12, 19) * 3_600
        while time < end {
            time = burst(&uses, agent, time, chance.between(1, 25), &chance)
            if chance.happens(0.2) { uses.append(transfer(time, agent, chance.between(60, 2_400), &chance)) }
            if chance.happens(0.05) {
                uses.append(Use(start: time, agent: agent, kind: .events, duration: chance.between(600, 5_400), bytes: 40_000))
            }
            time += chance.between(5, 75) * 60
        }
    }

    private static func bursty(_ uses: inout [Use], _ agent: Int, _ day: Double, _ chance: inout Chance) {
        var time = day + chance.between(7, 9) * 3_600
        while time < day + 20 * 3_600 {
            var end = time
            if chance.happens(0.5) {
                let seconds = chance.between(120, 1_200)
                uses.append(transfer(time, agent, seconds, &chance))
                end = time + seconds
            }
            end = max(end, burst(&uses, agent, time, chance.between(1, 8), &chance))
            time = end + chance.between(2, 60) * 60
        }
    }

    private static func returning(_ uses: inout [Use], _ agent: Int, _ day: Double, _ chance: inout Chance) {
        var time = day + chance.between(7, 9) * 3_600
        while time < day + 20 * 3_600 {
            var end = time + chance.between(180, 900)
            if chance.happens(0.4) {
                uses.append(transfer(time, agent, end - time, &chance))
            } else {
                end = burst(&uses, agent, time, (end - time) / 60, &chance)
            }
            time = end + chance.between(15, 22) * 60
        }
    }

    private static func sparse(_ uses: inout [Use], _ agent: Int, _ day: Double, _ chance: inout Chance) {
        guard chance.happens(0.7) else { return }
        var time = day + chance.between(7, 20) * 3_600
        for _ in 0..<(chance.happens(0.3) ? 2 : 1) {
            if chance.happens(0.5) { uses.append(transfer(time, agent, chance.between(30, 1_500), &chance)) }
            time = burst(&uses, agent, time, chance.between(1, 10), &chance) + chance.between(14, 22) * 60
        }
    }

    private static func transfers(_ uses: inout [Use], _ agent: Int, _ day: Double, _ chance: inout Chance) {
        var time = day + chance.between(6, 10) * 3_600
        while time < day + 18 * 3_600 {
            let seconds = chance.between(0.1, 5) * 3_600
            uses.append(transfer(time, agent, seconds, &chance))
            time += seconds + chance.between(10, 90) * 60
        }
    }

    private static func streams(_ uses: inout [Use], _ agent: Int, _ day: Double, _ chance: inout Chance) {
        var time = day + chance.between(8, 10) * 3_600
        while time < day + 16 * 3_600 {
            let isSilent = chance.happens(0.4)
            let seconds = isSilent ? chance.between(300, 3_300) : chance.between(0.5, 3) * 3_600
            uses.append(
                Use(
                    start: time, agent: agent, kind: isSilent ? .silent : .events, duration: seconds,
                    bytes: isSilent ? 3_000 : 90_000))
            time += seconds + chance.between(5, 50) * 60
        }
    }
}
