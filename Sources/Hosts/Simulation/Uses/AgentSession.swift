/// A time in which somebody's agent runs: from shortly before the first use to half an hour after the last one, unless that is six hours before
/// the next.
struct AgentSession: Sendable, Equatable {
    private static let lead = 5.0
    private static let tail = 1_800.0
    private static let night = 21_600.0

    var agent: Int
    /// In seconds since the beginning, as `end`.
    var start: Double
    var end: Double

    /// The sessions of all agents.
    static func sessions(of uses: [Use]) -> [AgentSession] {
        var open: [Int: AgentSession] = [:]
        var sessions: [AgentSession] = []
        for use in uses {
            let ends = use.start + use.duration
            if var session = open[use.agent], use.start - session.end < night {
                session.end = max(session.end, ends)
                open[use.agent] = session
                continue
            }
            if let session = open[use.agent] { sessions.append(session) }
            open[use.agent] = AgentSession(agent: use.agent, start: max(0, use.start - lead), end: ends)
        }
        sessions += open.values
        return sessions.map { AgentSession(agent: $0.agent, start: $0.start, end: $0.end + tail) }
            .sorted { ($0.start, $0.agent) < ($1.start, $1.agent) }
    }
}
