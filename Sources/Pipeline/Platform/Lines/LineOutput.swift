import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that lines are written to, and the thread that writes them: one for each file, whoever writes there and under whatever
/// name, so that no line gets into the middle of another. Nobody waits for the thread: a reader that stops keeps it, and costs lines.
final class LineOutput: Sendable {
    private struct State {
        var queue = LineQueue()
        /// Those who wait until a line, by its number, is written or lost.
        var waiters: [(line: Int, signal: DispatchSemaphore)] = []
    }

    /// How long a line may wait for others: waking a thread for each line would cost more than the line.
    private static let moment = DispatchTimeInterval.milliseconds(20)
    /// How long a file may take nothing before somebody is told of what is left out, or found to want nothing any more. In milliseconds.
    private static let patience: CInt = 1_000

    let file: LineFile
    private let state = Mutex(State())
    private let thread = DispatchQueue(label: "fluidity.lines", qos: .utility)

    init(_ file: LineFile) {
        self.file = file
        _ = brokenPipesAreErrors
    }

    deinit { file.close() }

    // MARK: - Those who write

    func attach(_ account: LineAccount) { state.withLock { $0.queue.attach(account) } }

    /// What is there is still written, as long as the file takes it.
    func detach(_ account: LineAccount) { state.withLock { $0.queue.detach(account) } }

    /// Adds one line, with its end. False if there is no room for it, and it was left out.
    func write(_ account: LineAccount, isUrgent: Bool, _ line: (inout LineBuffer) -> Void) -> Bool {
        let (isTaken, wakeUp) = state.withLock { state in
            let isTaken = state.queue.add(account, line)
            return (isTaken, state.queue.wakeUp(isUrgent: isUrgent || account.isCrowded))
        }
        wake(wakeUp)
        return isTaken
    }

    /// Has a text stand below the last line, where this is a terminal.
    func show(status: String, _ account: LineAccount) {
        let wakeUp = state.withLock { state in
            state.queue.show(status: status, account)
            return state.queue.wakeUp(isUrgent: false)
        }
        wake(wakeUp)
    }

    private func wake(_ wakeUp: LineQueue.WakeUp) {
        switch wakeUp {
        case .none: break
        case .soon: thread.asyncAfter(deadline: .now() + Self.moment) { self.drain() }
        case .now: thread.async { self.drain() }
        }
    }

    /// Blocks its thread until everything that was added is written or lost. False when that took too long.
    func flush(until deadline: DispatchTime) -> Bool {
        let signal = DispatchSemaphore(value: 0)
        let isEmpty = state.withLock { state in
            guard state.queue.settled < state.queue.accepted else { return true }
            state.waiters.append((state.queue.accepted, signal))
            return false
        }
        guard !isEmpty else { return true }
        thread.async { self.drain() }
        guard signal.wait(timeout: deadline) == .timedOut else { return true }
        state.withLock { state in state.waiters.removeAll { $0.signal === signal } }
        return false
    }

    // MARK: - On the thread

    private func drain() {
        while var batch = state.withLock({ $0.queue.next() }) {
            write(&batch)
            state.withLock { $0.queue.finish(batch) }
        }
        reportLosses()
    }

    private func write(_ batch: inout LineBatch) {
        // What is written in one piece to a pipe that several programs write to, nothing of theirs gets into.
        let limit = file.isRegular ? nil : LineFile.pieceLimit
        while batch.hasRest {
            guard let count = write(batch.piece(within: limit)) else {
                settle(batch.rest, areWritten: false)
                return reportLosses()
            }
            settle(batch.advance(by: count), areWritten: true)
        }
    }

    /// Writes what is taken at once, after waiting for as long as that needs. Nil when nothing can be written, or when nobody is left
    /// who wants it to be.
    private func write(_ piece: ArraySlice<UInt8>) -> Int? {
        while true {
            guard file.isReady(within: Self.patience) else {
                if isAbandoned { return nil }
                reportLosses()
                continue
            }
            switch piece.withUnsafeBytes(file.write) {
            case .taken(let count): return count
            case .failed: return nil
            case .full:
                // Somebody else was faster.
                if isAbandoned { return nil }
                usleep(10_000)
            }
        }
    }

    private var isAbandoned: Bool { state.withLock { $0.queue.accounts.isEmpty } }

    private func settle(_ lines: ArraySlice<LineBatch.Line>, areWritten: Bool) {
        state.withLock { state in
            state.queue.settle(lines, areWritten: areWritten)
            let settled = state.queue.settled
            state.waiters.removeAll { waiter in
                guard waiter.line <= settled else { return false }
                waiter.signal.signal()
                return true
            }
        }
    }

    private func reportLosses() {
        for account in state.withLock({ $0.queue.accounts }) { account.report() }
    }
}

/// A reader that has gone is an error of the write, and not the end of the process.
private let brokenPipesAreErrors: Void = { signal(SIGPIPE, SIG_IGN) }()
