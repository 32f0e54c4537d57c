import Dispatch
import Synchronization

/// Writes somebody's lines to a file, or to standard error, by a thread of the file's own. Whoever has a line puts it into memory and
/// goes on: no event loop waits for a disk, a pipe or a terminal. Memory is bounded; when it is full, lines are left out, counted, and
/// told of later. Several who write to one file, whatever they call it, have their lines in the order in which they came, and whole.
package final class LineWriter: Sendable {
    /// Where lines are written to.
    package enum Target: Sendable, Equatable {
        /// The standard error of the process (file descriptor 2).
        case standardError
        /// A file, by its path.
        case file(String)
    }

    /// What the program itself has to say, whatever part of it: its log, the lines of exchanges, errors. At most 4 MiB wait.
    package static let standardError = LineWriter(.standardError, limit: 4 << 20)

    private let target: Target
    private let account: LineAccount
    /// Nil while there is no file, and after the end.
    private let output: Mutex<LineOutput?>

    /// - Parameters:
    ///   - limit: The bytes that may wait to be written.
    ///   - report: How it is told that lines were left out; by a line of text, if nothing else is said.
    package init(
        _ target: Target, limit: Int, report: LineLossReport = .line { $1.append("\(LineLossReport.sentence($0))\n") }
    ) {
        self.target = target
        account = LineAccount(limit: limit, report: report)
        output = Mutex(target == .standardError ? .standardError : nil)
        output.withLock { $0?.attach(account) }
    }

    deinit { end() }

    /// Lines that were left out, because memory was full or the file couldn't be written.
    package var dropped: Int64 { account.dropped }

    /// How it is told, from now on, that lines were left out.
    package func report(by report: LineLossReport) { account.setReport(report) }

    /// Opens the file, for appending; anew, if it is open: under its name may be another one by now. What has come before goes to the
    /// one before. Throws what is wrong, and keeps the file that it has.
    package func open() throws(LineFileProblem) {
        guard case .file(let path) = target else { return }
        let opened = try LineOutput.opening(path)
        let before = output.withLock { output -> LineOutput? in
            guard output !== opened else { return nil }
            opened.attach(account)
            defer { output = opened }
            return output
        }
        before?.detach(account)
    }

    /// Adds one line, with its end. False if it was left out.
    ///
    /// - Parameter isUrgent: It doesn't wait for others that could be written with it.
    @discardableResult
    package func write(isUrgent: Bool = false, _ line: (inout LineBuffer) -> Void) -> Bool {
        guard let output = output.withLock({ $0 }) else {
            account.leaveOut()
            return false
        }
        return output.write(account, isUrgent: isUrgent, line)
    }

    /// Has a text without an end stand below the last line; see `StatusLine`.
    func show(status: String) { output.withLock({ $0 })?.show(status: status, account) }

    /// Returns when everything that was added to the file has been written, as far as it can be. False if that took longer than `limit`:
    /// a reader may have stopped.
    @discardableResult
    package func flush(within limit: Duration) async -> Bool {
        guard let output = output.withLock({ $0 }) else { return true }
        return await Self.flush([output], within: limit)
    }

    /// The same for code that isn't asynchronous. It blocks its thread, so that it is for programs that do nothing beside.
    @discardableResult
    package func settle(within limit: Duration) -> Bool {
        output.withLock({ $0 })?.flush(until: .now() + limit / .seconds(1)) ?? true
    }

    /// `flush` for every file of the process that lines are written to. To be called before the process ends, or is stopped for a while.
    @discardableResult
    package static func flushAll(within limit: Duration) async -> Bool { await flush(LineOutput.all, within: limit) }

    private static func flush(_ outputs: [LineOutput], within limit: Duration) async -> Bool {
        let deadline = DispatchTime.now() + limit / .seconds(1)
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: outputs.reduce(true) { $1.flush(until: deadline) && $0 })
            }
        }
    }

    /// Takes nothing more, and returns when what was added is written, or after `limit`.
    package func finish(within limit: Duration) async {
        let output = output.withLock { $0.take() }
        guard let output else { return }
        _ = await Self.flush([output], within: limit)
        output.detach(account)
        account.report(isLast: true)
    }

    private func end() { output.withLock { $0.take() }?.detach(account) }
}
