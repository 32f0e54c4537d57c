import Instruments
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is known of this process as a whole, read when it is asked for. What the system knows has the names that every Prometheus client
/// uses.
enum ProcessMetrics {
    static let cpu = MetricDescription(.counter, "process_cpu_seconds_total", "Processor time, user and system.")
    static let maxDescriptors = MetricDescription(.gauge, "process_max_fds", "Descriptors that may be open.")
    static let virtualMemory = MetricDescription(.gauge, "process_virtual_memory_bytes", "Address space.")
    static let residentMemory = MetricDescription(.gauge, "process_resident_memory_bytes", "Memory in use.")
    static let openDescriptors = MetricDescription(.gauge, "process_open_fds", "Descriptors that are open.")
    static let startTime = MetricDescription(
        .gauge, "process_start_time_seconds", "When the process started, in seconds of the Unix epoch.")

    static let droppedLines = MetricDescription(
        .counter, "fluidity_log_dropped_total",
        "Lines of the log that were left out: too many waited, or they couldn't be written.")

    static let all = [cpu, maxDescriptors, virtualMemory, residentMemory, openDescriptors, startTime, droppedLines]

    static func read() -> MetricSnapshot {
        var snapshot = MetricSnapshot()
        var used = timespec()
        if clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0 {
            let seconds = Double(used.tv_sec) + Double(used.tv_nsec) * 1e-9
            snapshot.add(.init(cpu, seconds))
        }
        var limit = rlimit()
        if getrlimit(descriptorLimit, &limit) == 0 {
            snapshot.add(.init(maxDescriptors, Double(limit.rlim_cur)))
        }
        #if os(Linux)
        if let pages = statistics() {
            let size = Double(sysconf(Int32(_SC_PAGESIZE)))
            snapshot.add(.init(virtualMemory, pages.virtual * size))
            snapshot.add(.init(residentMemory, pages.resident * size))
        }
        if let count = countDescriptors() {
            snapshot.add(.init(openDescriptors, Double(count)))
        }
        #endif
        snapshot.add(.init(startTime, started))
        snapshot.add(.init(droppedLines, Double(LineWriter.standardError.dropped)))
        return snapshot
    }

    #if canImport(Darwin)
    private static let descriptorLimit = RLIMIT_NOFILE
    private static let started = Double(WallTime.seconds)
    #else
    #if canImport(Glibc)
    private static let descriptorLimit = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
    private static let descriptorLimit = RLIMIT_NOFILE
    #endif

    /// The first two numbers of `/proc/self/statm`, in pages.
    private static func statistics() -> (virtual: Double, resident: Double)? {
        let numbers = text(of: "/proc/self/statm")?.split(separator: " ").prefix(2).compactMap { Double($0) } ?? []
        return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }

    private static func countDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Itself, `.` and `..` are none of the program's.
        return max(0, count - 3)
    }

    /// Field 22 of `/proc/self/stat` is in ticks since the machine started, which `/proc/stat` has the time of.
    private static let started: Double = {
        let fields = text(of: "/proc/self/stat")?.split(separator: ")").last?.split(separator: " ")
        let boot = text(of: "/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }?.dropFirst(6)
        guard let fields, fields.count > 19, let ticks = Double(fields[19]), let boot, let base = Double(boot) else {
            return Double(WallTime.seconds)
        }
        return base + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }()

    private static func text(of path: String) -> String? {
        guard let bytes = try? FileAccess.read(path, limit: 4 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
    #endif
}
