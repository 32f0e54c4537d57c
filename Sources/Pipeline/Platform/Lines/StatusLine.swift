#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The last line of the terminal that standard error is: what is going on at this moment. Lines of logs appear above it, whole, and it goes on
/// standing below them. There is one for the process; the last to say something is seen.
package struct StatusLine: Sendable {
    /// Standard error's; nil where that is no terminal, or one that can't take back what it shows.
    package static let standardError: StatusLine? =
        isatty(STDERR_FILENO) == 1 && canTakeBack(getenv("TERM").map { String(cString: $0) })
        ? StatusLine(on: .standardError) : nil

    /// Whether a terminal of that name, as `TERM` has it, moves its cursor.
    static func canTakeBack(_ terminal: String?) -> Bool { !["", "dumb"].contains(terminal ?? "") }

    private let writer: LineWriter

    init(on writer: LineWriter) { self.writer = writer }

    /// Shows a text in place of the one before, as far as it fits in a row. On any thread; it doesn't wait.
    package func show(_ text: String) { writer.show(status: Self.cut(text, to: Self.columns - 1)) }

    /// Takes it away.
    package func clear() { writer.show(status: "") }

    /// In a row that is too long the terminal would begin another, which can't be taken back.
    static func cut(_ text: String, to width: Int) -> String {
        let line = ForeignText.line(text, limit: max(8, width))
        return line.count <= width ? line : String(line.prefix(max(0, width - 1))) + "…"
    }

    private static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
