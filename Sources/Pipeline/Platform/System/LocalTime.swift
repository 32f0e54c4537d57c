#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A weekday and a time of day where the machine is, to the minute.
package struct LocalTime: Sendable, Equatable {
    /// From 0, which is Sunday.
    package var weekday: Int
    /// Minutes since midnight.
    package var minute: Int

    /// - Parameters:
    ///   - weekday: From 0, which is Sunday.
    ///   - minute: Minutes since midnight.
    package init(weekday: Int, minute: Int) {
        self.weekday = weekday
        self.minute = minute
    }

    /// What the zone of the machine, or of `TZ`, makes of seconds of the Unix epoch.
    package init(_ epochSeconds: Int) {
        var time = time_t(epochSeconds)
        var parts = tm()
        localtime_r(&time, &parts)
        self.init(weekday: Int(parts.tm_wday), minute: Int(parts.tm_hour) * 60 + Int(parts.tm_min))
    }
}

extension LocalTime {
    /// Seconds of the Unix epoch of `2026-12-24T23:30` or `2026-12-24T23:30:10` where the machine is, and with a `Z` behind it in UTC. Nil for any other
    /// text.
    package static func epoch(of text: String) -> Int? {
        let isUTC = text.hasSuffix("Z")
        let halves = text.dropLast(isUTC ? 1 : 0).split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        let time = halves[1].split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard date.count == 3, (2...3).contains(time.count), let year = date[0], let month = date[1], let day = date[2],
            let hour = time[0],
            let minute = time[1], let second = time.count == 3 ? time[2] : 0,
            let epoch = CivilTime.epoch(year, month, day, hour, minute, second)
        else { return nil }
        guard !isUTC else { return epoch }
        var parts = tm()
        parts.tm_year = CInt(year - 1_900)
        parts.tm_mon = CInt(month - 1)
        parts.tm_mday = CInt(day)
        parts.tm_hour = CInt(hour)
        parts.tm_min = CInt(minute)
        parts.tm_sec = CInt(second)
        parts.tm_isdst = -1
        return Int(mktime(&parts))
    }
}

/// Tells the local time, and asks the system once a minute: a zone's tables are behind a lock. For one event loop.
package final class LocalClock {
    private var minute = Int.min
    private var time = LocalTime(weekday: 0, minute: 0)

    /// A clock that hasn't asked yet.
    package init() {}

    /// What time it is.
    package func now(_ epochSeconds: Int = WallTime.seconds) -> LocalTime {
        let minute = epochSeconds / 60
        if minute != self.minute {
            self.minute = minute
            time = LocalTime(epochSeconds)
        }
        return time
    }
}

@available(*, unavailable)
extension LocalClock: Sendable {}
