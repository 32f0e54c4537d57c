import ControlStages
import Testing

@Suite struct AgentsDepartureTests {
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
    func isComplete(_ before: Int64, _ connections: Int, _ now: Int64, _ expected: Bool) {
        #expect(AgentsDeparture(goodbyes: before).isComplete(connections: connections, goodbyes: now) == expected)
    }
}
