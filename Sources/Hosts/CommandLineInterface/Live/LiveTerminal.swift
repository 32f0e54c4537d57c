import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A terminal that a command draws on and reads keys from. It is as it was when this ends, whatever ends the command but SIGKILL.
struct LiveTerminal: ~Copyable {
    /// Another screen than the one with the shell's lines, and no cursor.
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l"

    /// Nil where standard input or output is no terminal.
    init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &TerminalBefore.settings) == 0 else {
            return nil
        }
        for number in [SIGTERM, SIGHUP, SIGINT, SIGQUIT] {
            signal(number) { number in
                TerminalBefore.restore()
                // As if it had never been caught.
                signal(number, SIG_DFL)
                raise(number)
            }
        }
        var raw = TerminalBefore.settings
        raw.c_lflag &= ~tcflag_t(ECHO | ICANON)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw)
        _ = WholeWrite.write(Self.enter.utf8, to: STDOUT_FILENO)
    }

    deinit { TerminalBefore.restore() }

    /// Columns and lines; a terminal that doesn't say has 80 and 24.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Puts lines in place of what is there, from the top.
    func draw(_ lines: [String]) {
        let screen = "\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J"
        _ = WholeWrite.write(screen.utf8, to: STDOUT_FILENO)
    }

    /// The next key, if one is pressed in time; a nil text where the terminal is gone.
    func key(within milliseconds: Int32) -> (isThere: Bool, key: Character?) {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, milliseconds) > 0 else { return (true, nil) }
        var byte: UInt8 = 0
        guard read(STDIN_FILENO, &byte, 1) == 1 else { return (false, nil) }
        return (true, Character(Unicode.Scalar(byte)))
    }
}

/// How the terminal was. A signal's handler, which may do hardly anything, puts it back.
private enum TerminalBefore {
    nonisolated(unsafe) static var settings = termios()
    /// The cursor, and the screen with the shell's lines.
    private static var leaving: StaticString { "\u{1B}[?25h\u{1B}[?1049l" }

    static func restore() {
        _ = write(STDOUT_FILENO, leaving.utf8Start, leaving.utf8CodeUnitCount)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }
}
