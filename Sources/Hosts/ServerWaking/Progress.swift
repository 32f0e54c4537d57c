import Platform
import Synchronization

/// Says on a terminal what the server is doing. Anywhere else it says nothing: the log does.
package final class Progress: Sendable {
    private struct State {
        var what = "Waking the server"
        var expected: String?
    }

    /// Shows a text in place of the one before; nil takes it away. Nil where there is no terminal.
    private let screen: (@Sendable (String?) -> Void)?
    /// Takes a line that stays.
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// A progress that has shown nothing yet.
    ///
    /// - Parameters:
    ///   - screen: Shows a text in place of the one before, or nothing; nil where nobody is to see anything.
    ///   - write: Takes a line that stays, with its end.
    package init(screen: (@Sendable (String?) -> Void)?, write: @escaping @Sendable (String) -> Void) {
        self.screen = screen
        self.write = write
    }

    /// On standard error, where that is a terminal.
    package static func standardError() -> Progress {
        Progress(
            screen: StatusLine.standardError.map { line in
                { @Sendable text in if let text { line.show(text) } else { line.clear() } }
            }
        ) { text in LineWriter.standardError.write { $0.append(text) } }
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
        guard let screen else { return }
        let line = state.withLock { state in
            let usual = state.expected.map { "; it usually takes \($0)" } ?? ""
            return "\(state.what) (\(Int(seconds)) s\(usual)) …"
        }
        screen(line)
    }

    /// Puts the last line in the place of what is shown: the message with a capital and a full stop.
    package func end(_ message: String) {
        guard let screen else { return }
        screen(nil)
        write(message.prefix(1).uppercased() + message.dropFirst() + ".\n")
    }
}
