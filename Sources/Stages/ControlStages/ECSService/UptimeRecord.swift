import Platform

/// How long a service's tasks were paid for this month and today, by the calendar of UTC. Kept in a tag of the service: until when it
/// is counted, the month and its seconds, the day and its seconds. Two tasks at once count twice, as they cost.
package struct UptimeRecord: Sendable, Equatable {
    /// Until when it is counted, in seconds of the Unix epoch.
    package private(set) var counted: Double
    /// The seconds of the month that it is now.
    package private(set) var month: Double
    /// The seconds of the day that it is now.
    package private(set) var day: Double
    private let monthBegan: Double
    private let dayBegan: Double
    private let monthName: String
    private let dayName: String

    /// Reads the tag's value as of a time in seconds of the Unix epoch. What it says of another month or day is over.
    package init(_ tag: String?, now: Int) {
        let civil = CivilTime(now)
        monthName = "\(civil.year)-\(CivilTime.two(civil.month))"
        dayName = "\(monthName)-\(CivilTime.two(civil.day))"
        dayBegan = Double(CivilTime.epoch(civil.year, civil.month, civil.day, 0, 0, 0) ?? now)
        monthBegan = Double(CivilTime.epoch(civil.year, civil.month, 1, 0, 0, 0) ?? now)
        let parts = (tag ?? "").split(separator: " ")
        let numbers = parts.count == 5 ? [parts[0], parts[2], parts[4]].compactMap { Int($0) } : []
        guard numbers.count == 3, numbers.allSatisfy({ $0 >= 0 && $0 < 1 << 40 }) else {
            (counted, month, day) = (monthBegan, 0, 0)
            return
        }
        // A time that is yet to come says that somebody's clock was wrong.
        counted = Double(numbers[0]) > Double(now) + SleepPolicy.clockTolerance ? Double(now) : Double(numbers[0])
        month = parts[1] == monthName ? Double(numbers[1]) : 0
        day = parts[3] == dayName ? Double(numbers[2]) : 0
    }

    /// Counts what of these times, from and to in seconds of the Unix epoch, isn't counted yet. Returns whether there was any.
    package mutating func count(_ times: [(from: Double, to: Double)], until now: Double) -> Bool {
        func overlap(since begin: Double) -> Double {
            times.reduce(0) { $0 + max(0, min($1.to, now) - max($1.from, begin)) }
        }
        let (more, today) = (overlap(since: max(counted, monthBegan)), overlap(since: max(counted, dayBegan)))
        guard more.isFinite, more > 0 else { return false }
        month += more
        day += today
        counted = max(counted, now)
        return true
    }

    /// The tag's value.
    package var tag: String { "\(Int(counted)) \(monthName) \(Int(month.rounded())) \(dayName) \(Int(day.rounded()))" }
}
