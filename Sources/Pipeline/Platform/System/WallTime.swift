#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The time of day.
public enum WallTime {
    /// Seconds of the Unix epoch.
    public static var seconds: Int { time(nil) }

    /// Seconds and nanoseconds of the Unix epoch.
    package static var precise: (seconds: Int, nanoseconds: Int) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return (now.tv_sec, now.tv_nsec)
    }
}

/// What work costs, however busy the machine is.
package enum ProcessorTime {
    /// What this thread has used.
    package static var ofThread: Duration {
        var used = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
        return .seconds(used.tv_sec) + .nanoseconds(used.tv_nsec)
    }
}
