import NIOCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The process's file descriptors: how many there may be, and who can do without some when there are none left.
///
/// Every connection takes one. A server that has none left can neither accept nor dial, so connections that nobody uses are given up
/// before anybody who needs one is refused.
public final class FileDescriptors: Sendable {
    /// Those of this process. They are shared by all its pipelines, whoever runs them.
    public static let process = FileDescriptors()

    private struct State {
        var holders: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    package init() {}

    // MARK: - The limit

    /// How many may be open at once: the soft limit (getrlimit(2), RLIMIT_NOFILE).
    package var limit: Int {
        var limit = rlimit()
        guard getrlimit(Self.resource, &limit) == 0 else { return .max }
        return Int(clamping: limit.rlim_cur)
    }

    /// So many are left to what connections need beside themselves: others to origins or to the server, files.
    package var reserve: Int { min(256, max(8, limit / 8)) }

    /// Whether fewer than `reserve` are free. The system gives out the lowest number that is free, so one that is asked for tells.
    package var areScarce: Bool {
        let lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
        guard lowest >= 0 else { return errno == EMFILE || errno == ENFILE }
        close(lowest)
        return Int(lowest) >= limit - reserve
    }

    /// Raises the soft limit to the hard one. Programs that use select(2) need a low soft limit, and this one doesn't.
    package static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }

    // MARK: - When there are none left

    /// Whether an error says that there are no descriptors left, in the process (EMFILE) or on the machine (ENFILE).
    package static func areExhausted(_ error: any Error) -> Bool {
        (error as? IOError).map { isExhausted($0.errnoCode) } ?? false
    }

    package static func isExhausted(_ code: CInt) -> Bool { code == EMFILE || code == ENFILE }

    /// Somebody has connections that he can do without. Called from any thread; the result is for `remove`.
    package func add(_ holder: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.next += 1
            state.holders[state.next] = holder
            return state.next
        }
    }

    package func remove(_ holder: Int) { state.withLock { $0.holders[holder] = nil } }

    /// Asks everybody to give up some. Returns before that is done.
    package func relieve() {
        for holder in state.withLock({ Array($0.holders.values) }) { holder() }
    }

    #if canImport(Glibc)
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
    private static let resource = RLIMIT_NOFILE
    #endif
}
