import ControlStages
import Pipeline
import Testing

@Suite struct EarlyReportTests {
    private func activity(_ connections: Int, _ exchanges: Int, _ goodbyes: Int64, _ last: Int) -> Activity {
        Activity(openConnections: connections, openExchanges: exchanges, goodbyes: goodbyes, lastActivity: last)
    }

    /// Goodbyes at the time of the report, then connections and goodbyes now.
    @Test(
        arguments: [
            // Released, even one that came and went between two looks.
            (0, 0, 1, true), (3, 0, 4, true),
            // Lost, or kept.
            (0, 0, 0, false), (3, 0, 3, false),
            // Of two, one has left.
            (0, 1, 1, false),
        ] as [(Int64, Int, Int64, Bool)])
    func lastAgentHasLeft(_ before: Int64, _ connections: Int, _ now: Int64, _ expected: Bool) {
        var report = EarlyReport(after: activity(1, 0, before, 1_000))
        #expect(report.isDue(activity(connections, 0, now, 1_000)) == expected)
    }

    /// What was open, and the time of the last activity, at each look; whether that is to be reported at once.
    @Test(
        arguments: [
            // Work begins after a pause, however long ago the report was.
            ([(0, 1_000), (0, 1_000), (1, 1_060)], [false, false, true]),
            // One that came and went between two looks.
            ([(0, 1_000), (0, 1_300)], [false, true]),
            // No pause before it.
            ([(0, 1_000), (1, 1_059)], [false, false]),
            // What is open and was silent isn't new work.
            ([(1, 1_000), (1, 2_000)], [false, false]),
            // It goes on: once is enough.
            ([(0, 1_000), (1, 1_100), (1, 1_101), (0, 1_102)], [false, true, false, false]),
        ] as [([(Int, Int)], [Bool])])
    func workBegins(_ looks: [(Int, Int)], _ expected: [Bool]) {
        var report = EarlyReport(after: activity(1, 0, 0, 1_000))
        #expect(looks.map { report.isDue(activity(1, $0.0, 0, $0.1)) } == expected)
    }
}
