#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program that was started by this one.
package final class ChildProcess {
    /// Why a program can't be run, with the status that a shell has for it.
    package struct Problem: Error {
        /// A sentence that names the program.
        package let reason: String
        /// 127 where there is no such program, else 126.
        package let status: Int32
    }

    private let process: pid_t
    private var status: Int32?

    /// Starts it, with this process's files.
    ///
    /// - Parameters:
    ///   - ownGroup: Whether signals of the terminal aren't for it.
    ///   - socket: What it has as its input and its output in place of this process's; its errors go nowhere then.
    package init(
        _ arguments: [String], _ environment: [String: String], ownGroup: Bool = false, speaksTo socket: CInt? = nil
    ) throws(Problem) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let socket {
            for descriptor in [STDIN_FILENO, STDOUT_FILENO] { posix_spawn_file_actions_adddup2(&actions, socket, descriptor) }
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        }
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
        let result = posix_spawnp(&process, arguments[0], &actions, &attributes, &words, &variables)
        guard result == 0 else {
            throw Problem(
                reason: "'\(arguments[0])' can't be run: \(String(cString: strerror(result)))", status: result == ENOENT ? 127 : 126
            )
        }
        self.process = process
    }

    /// Its status when it has ended, and what a shell says of one that a signal has ended.
    package func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        while waitpid(process, &raw, 0) < 0, errno == EINTR {}
        return note(raw)
    }

    /// Whether it has ended by itself.
    package var hasEnded: Bool {
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
    package func end() {
        guard !hasEnded else { return }
        sendSignal(process, SIGTERM)
        _ = wait()
    }

    /// Ends it at once, and waits until it has.
    package func kill() {
        guard !hasEnded else { return }
        sendSignal(process, SIGKILL)
        _ = wait()
    }
}

private func sendSignal(_ process: pid_t, _ signal: CInt) { kill(process, signal) }
