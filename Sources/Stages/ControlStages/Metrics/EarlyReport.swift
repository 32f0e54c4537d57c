package import Pipeline

/// Whether something has happened since a report that whoever decides about sleep is to learn at once: the last agent has left, or
/// work has begun after a pause. One whose connection was only lost may be back in a moment.
package struct EarlyReport: Sendable, Equatable {
    /// A pause is a time so long, in seconds, in which nothing was open and nothing moved.
    private static let pause = 60
    private let goodbyes: Int64
    private var seen: Activity

    /// What had happened at the time of the report.
    package init(after reported: Activity) {
        goodbyes = reported.goodbyes
        seen = reported
    }

    /// Looks at what there is now: true when it is to be reported.
    package mutating func isDue(_ now: Activity) -> Bool {
        let before = seen
        seen = now
        if now.openConnections == 0, now.goodbyes > goodbyes { return true }
        return before.openExchanges == 0 && now.lastActivity - before.lastActivity >= Self.pause
    }
}
