import Platform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Says on a terminal what the server is doing. Anywhere else it says nothing: the log does.
package final class Progress: Sendable {
    private struct State {
        var what = "Waking the server"
        var expected: String?
        var isShown = false
    }

    private let isTerminal: Bool
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// A progress that has shown nothing yet.
    ///
    /// - Parameters:
    ///   - isTerminal: Whether anything is written at all.
    ///   - write: Takes a piece of text, with control sequences in it.
    package init(isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
        self.isTerminal = isTerminal
        self.write = write
    }

    /// On standard error, where that is a terminal.
    package static func standardError() -> Progress {
        Progress(isTerminal: isatty(STDERR_FILENO) == 1) { text in
            LineWriter.standardError.write { $0.append(text) }
        }
    }

    /// Begins anew, with the first line.
    package func begin() {
        state.withLock { $0 = State() }
        show(after: 0)
    }

    /// Takes what the control plane says; `status` is its word.
    package func tell(_ status: String, expected: String?) {
        state.withLock { state in
            switch status {
            case "waking": state.what = "The server was woken"
            case "starting": state.what = "The server is starting"
            case "already_running", "ready": state.what = "Connecting to the server"
            default: break
            }
            if let expected { state.expected = expected }
        }
    }

    /// Shows the state on a line that the next one replaces, with the seconds since the beginning.
    package func show(after seconds: Double) {
        guard isTerminal else { return }
        let line = state.withLock { state in
            state.isShown = true
            let usual = state.expected.map { "; it usually takes \($0)" } ?? ""
            return "\(state.what) (\(Int(seconds)) s\(usual)) …"
        }
        write("\r\u{1B}[K\(line)")
    }

    /// Puts the last line in the place of what is shown: the message with a capital and a full stop.
    package func end(_ message: String) {
        guard isTerminal else { return }
        let isShown = state.withLock { $0.isShown }
        write((isShown ? "\r\u{1B}[K" : "") + message.prefix(1).uppercased() + message.dropFirst() + ".\n")
    }
}
