/// Whether the last agent has left since a report. One whose connection was only lost may be back in a moment.
package struct AgentsDeparture: Sendable, Equatable {
    private let goodbyes: Int64

    /// What had been said at the time of the report.
    package init(goodbyes: Int64) {
        self.goodbyes = goodbyes
    }

    /// Looks at what there is now. True when nobody is connected and somebody has said goodbye since.
    package func isComplete(connections: Int, goodbyes: Int64) -> Bool {
        connections == 0 && goodbyes > self.goodbyes
    }
}
