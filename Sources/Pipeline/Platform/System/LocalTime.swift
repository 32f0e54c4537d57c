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
