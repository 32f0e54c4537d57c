import DequeModule

/// Lines that wait to be written, in their order, and those whose they are.
struct LineQueue {
    enum WakeUp {
        case none
        case soon
        case now
    }

    /// From so many bytes on, lines are written without waiting for more.
    static let batchSize = 64 << 10

    // The last batch, to which lines are added, and those before it.
    private var buffer = LineBuffer()
    private var lines: [LineBatch.Line] = []
    private var full = Deque<LineBatch>()
    /// Empty, with memory that is used again.
    private var spare = LineBatch()
    private(set) var accounts: [LineAccount] = []
    /// Somebody will look for more, or already does.
    private var isScheduled = false
    private var isHurried = false
    /// What was last to be written was lost, in the middle of a line perhaps.
    private var isFailing = false
    private var isBroken = false
    /// What stands below the last line, without an end; empty for nothing.
    private var status = ""
    /// Takes away what stands in the row.
    private static let erase = "\r\u{1B}[K"
    /// How many lines have come, and how many of them are written or lost.
    private(set) var accepted = 0
    private(set) var settled = 0

    mutating func attach(_ account: LineAccount) { accounts.append(account) }
    mutating func detach(_ account: LineAccount) { accounts.removeAll { $0 === account } }

    /// Adds a line, with its end. False if there is no room for it, and it was left out.
    mutating func add(_ account: LineAccount, _ line: (inout LineBuffer) -> Void) -> Bool {
        guard !account.isFull else {
            account.leaveOut()
            return false
        }
        let before = buffer.bytes.count
        if status.isEmpty {
            line(&buffer)
        } else {
            buffer.append(Self.erase)
            line(&buffer)
            buffer.append(status)
        }
        let length = buffer.bytes.count - before
        guard account.reserve(length) else {
            buffer.truncate(to: before)
            account.leaveOut()
            return false
        }
        add(LineBatch.Line(length: length, account: account))
        if buffer.bytes.count >= Self.batchSize { endBatch() }
        return true
    }

    /// From now on something else stands below the last line.
    mutating func show(status new: String, _ account: LineAccount) {
        guard new != status else { return }
        status = ""
        _ = add(account) { line in
            line.append(Self.erase)
            line.append(new)
        }
        status = new
    }

    private mutating func add(_ line: LineBatch.Line) {
        lines.append(line)
        accepted += 1
    }

    /// What has to be done so that what has come is written: nothing, mostly.
    mutating func wakeUp(isUrgent: Bool) -> WakeUp {
        let isFirst = !isScheduled
        isScheduled = true
        guard isUrgent || !full.isEmpty, !isHurried else { return isFirst ? .soon : .none }
        isHurried = true
        return .now
    }

    /// What is to be written next; nil if there is nothing, and then nobody looks for more until `wakeUp` says so.
    mutating func next() -> LineBatch? {
        if full.isEmpty {
            // What was left out would have come behind what is there. A file that takes nothing isn't told again and again.
            if !isFailing || !lines.isEmpty { addReports() }
            endBatch()
        }
        guard var batch = full.popFirst() else {
            (isScheduled, isHurried) = (false, false)
            return nil
        }
        if isBroken { batch.beginAnew() }
        return batch
    }

    /// No more of a batch is written.
    mutating func finish(_ batch: consuming LineBatch) {
        isFailing = batch.hasRest
        isBroken = batch.isBroken || isBroken && batch.written == 0
        batch.clear(keeping: 2 * Self.batchSize)
        spare = batch
    }

    /// Lines are written, or lost.
    mutating func settle(_ lines: ArraySlice<LineBatch.Line>, areWritten: Bool) {
        for line in lines {
            guard let account = line.account else { continue }
            settled += 1
            if line.tells > 0 {
                if !areWritten { account.wasNotTold(of: line.tells) }
            } else {
                account.release(line.length)
                if !areWritten { account.leaveOut() }
            }
        }
    }

    /// Lines about those that were left out.
    private mutating func addReports() {
        for account in accounts {
            let before = buffer.bytes.count
            let count = account.report(into: &buffer)
            if count > 0 { add(LineBatch.Line(length: buffer.bytes.count - before, account: account, tells: count)) }
        }
    }

    private mutating func endBatch() {
        guard !lines.isEmpty else { return }
        var batch = LineBatch()
        swap(&batch, &spare)
        batch.exchange(&buffer, &lines)
        full.append(batch)
    }
}
