package import NIOCore
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
        var lastRelief: NIODeadline?
        var lastShortage: NIODeadline?
    }

    /// Whoever is asked needs a moment, and many may want a descriptor at once.
    private static let betweenReliefs = TimeAmount.milliseconds(50)
    /// A shortage that comes back within so long isn't news.
    private static let memory = TimeAmount.minutes(1)

    private let state = Mutex(State())

    /// Descriptors that nobody has offered to give up. All but tests use `process`.
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

    /// Whether a descriptor that was just given out shows that fewer than `reserve` are free: the system gives out the lowest.
    package func isScarce(_ descriptor: Int) -> Bool { descriptor >= limit - reserve }

    /// Whether fewer than `reserve` are free.
    package var areScarce: Bool { lowest.map(isScarce) ?? true }

    /// Whether there is none for another connection.
    package var areExhausted: Bool { lowest == nil }

    /// The descriptor that would be given out next; nil when there is none.
    private var lowest: Int? {
        let socket = socket(AF_UNIX, Self.streamType, 0)
        guard socket >= 0 else { return Self.isExhausted(errno) ? nil : 0 }
        close(socket)
        return Int(socket)
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

    private static func isExhausted(_ code: CInt) -> Bool { code == EMFILE || code == ENFILE }

    /// Somebody has connections that he can do without. Called from any thread.
    /// - Returns: What `remove` takes.
    package func add(_ holder: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.next += 1
            state.holders[state.next] = holder
            return state.next
        }
    }

    /// Somebody has no connections any more. He may be asked once more if that is under way.
    package func remove(_ holder: Int) { state.withLock { $0.holders[holder] = nil } }

    /// Asks everybody to give up some, unless that has just been done. Returns before they have.
    package func relieve(now: NIODeadline = .now()) {
        let holders = state.withLock { state -> [@Sendable () -> Void] in
            if let last = state.lastRelief, now - last < Self.betweenReliefs { return [] }
            state.lastRelief = now
            return Array(state.holders.values)
        }
        for holder in holders { holder() }
    }

    /// Notes that there are too few, for all who notice it.
    /// - Returns: Whether that is news, which is then to be said in the log.
    package func noteShortage(now: NIODeadline = .now()) -> Bool {
        state.withLock { state in
            defer { state.lastShortage = now }
            return state.lastShortage.map { now - $0 >= Self.memory } ?? true
        }
    }

    /// What an operator can do about it.
    package static let advice = "raise the limit: 'ulimit -n', LimitNOFILE of systemd, ulimits of a container"

    #if canImport(Glibc)
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    private static let streamType = CInt(SOCK_STREAM.rawValue)
    #else
    private static let resource = RLIMIT_NOFILE
    private static let streamType = SOCK_STREAM
    #endif
}
