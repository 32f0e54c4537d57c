#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The time of day, which certificates are valid by.
enum WallClock {
    /// Seconds of the Unix epoch.
    static var now: Int { time(nil) }
}
