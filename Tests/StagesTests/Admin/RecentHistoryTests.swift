import Testing

@testable import TunnelStages

@Suite("What was counted in the last 15 minutes")
struct RecentHistoryTests {
    private static func point(_ time: Int) -> RecentHistory.Point {
        .init(time: time, begun: 0, failed: 0, received: 0, sent: 0, openExchanges: 0)
    }

    @Test("The newest points are kept, as many as 15 minutes have")
    func bound() {
        let history = RecentHistory()
        #expect(history.points.isEmpty)
        for time in 0..<500 { history.note(Self.point(time)) }
        #expect(history.points.map(\.time) == Array(320..<500))
    }
}
