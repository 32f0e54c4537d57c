#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Finds out whether the machine was suspended: of its two clocks that nobody sets, one stands still meanwhile. A value; the clocks' times go in.
struct SuspendedTime {
    /// A difference of less than this between two looks, in nanoseconds, is none.
    private static let least: Int64 = 1_000_000_000

    private var asleep: Int64?

    /// - Parameters:
    ///   - whole: The clock that goes on, in nanoseconds.
    ///   - awake: The clock that stands still.
    /// - Returns: Whether the machine was suspended since the last look.
    mutating func look(whole: Int64, awake: Int64) -> Bool {
        let before = asleep
        asleep = whole - awake
        return before.map { whole - awake - $0 >= Self.least } ?? false
    }

    /// With the clocks as they are.
    mutating func look() -> Bool {
        #if os(Linux)
        return look(whole: Self.read(CLOCK_BOOTTIME), awake: Self.read(CLOCK_MONOTONIC))
        #else
        return look(whole: Self.read(CLOCK_MONOTONIC), awake: Self.read(CLOCK_UPTIME_RAW))
        #endif
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
