/// What the server has reported of itself. Points are from the oldest to the newest.
package struct ActivityView: Sendable, Equatable {
    /// A value that was reported for one period.
    package struct Point: Sendable, Equatable {
        /// The beginning of the period, in seconds of the Unix epoch.
        package var time: Double
        /// What was reported for the period: its maximum, or its average.
        package var value: Double

        /// A point from the beginning of its period, in seconds of the Unix epoch, and its value.
        package init(_ time: Double, _ value: Double) {
            self.time = time
            self.value = value
        }
    }

    /// The numbers of open connections, averages.
    package var connections: [Point] = []
    /// The times of the last activity, in seconds of the Unix epoch by the server's clock.
    package var lastActivity: [Point] = []
    /// The numbers of open streams.
    package var streams: [Point] = []
    /// The bytes that were relayed.
    package var bytes: [Point] = []
    /// Whether the reports are all that there are; false when there are more than CloudWatch would give.
    package var isComplete = true

    /// A view without any report.
    package init() {}

    /// The average number of connections since a time, over all periods with a report: 0 where there is none.
    package func averageConnections(since time: Double) -> Double {
        let values = connections.filter { $0.time >= time && $0.value.isFinite }.map(\.value)
        return values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }
}
