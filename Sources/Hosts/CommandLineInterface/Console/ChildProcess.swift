#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program that was started by this one.
final class ChildProcess {
    /// Why a program can't be run, with the status that a shell has for it.
    struct Problem: Error {
        let reason: String
        let status: Int32
    }

    private let process: pid_t
    private var status: Int32?

    /// Starts it, with this process's files.
    ///
    /// - Parameter ownGroup: Whether signals of the terminal aren't for it.
    init(_ arguments: [String], _ environment: [String: String], ownGroup: Bool = false) throws(Problem) {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process ignores isn't to be ignored there.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGQUIT, SIGPIPE] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // Threads of the runtime block signals, and a program that is started has the mask of the thread that starts it.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK) | (ownGroup ? Int16(POSIX_SPAWN_SETPGROUP) : 0))
        var words = arguments.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var process = pid_t()
        let result = posix_spawnp(&process, arguments[0], nil, &attributes, &words, &variables)
        guard result == 0 else {
            throw Problem(
                reason: "'\(arguments[0])' can't be run: \(String(cString: strerror(result)))", status: result == ENOENT ? 127 : 126
            )
        }
        self.process = process
    }

    /// Its status when it has ended, and what a shell says of one that a signal has ended.
    func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        while waitpid(process, &raw, 0) < 0, errno == EINTR {}
        return note(raw)
    }

    /// Whether it has ended by itself.
    var hasEnded: Bool {
        if status != nil { return true }
        var raw: Int32 = 0
        guard waitpid(process, &raw, WNOHANG) == process else { return false }
        _ = note(raw)
        return true
    }

    private func note(_ raw: Int32) -> Int32 {
        let ended = raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + (raw & 0x7F)
        status = ended
        return ended
    }

    /// Asks it to end, and waits until it has.
    func end() {
        guard !hasEnded else { return }
        kill(process, SIGTERM)
        _ = wait()
    }
}
