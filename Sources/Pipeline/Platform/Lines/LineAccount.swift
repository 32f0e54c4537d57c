import Synchronization

/// How it is told that lines were left out, with how many these were.
package enum LineLossReport: Sendable {
    /// By a line among the others, once there is room.
    case line(@Sendable (Int64, inout LineBuffer) -> Void)
    /// Elsewhere: at once, then at most once in a minute. Called on the thread that writes.
    case call(@Sendable (Int64) -> Void)

    /// "1 line was left out".
    package static func sentence(_ count: Int64) -> String { count == 1 ? "1 line was left out" : "\(count) lines were left out" }
}

/// What one of those who write to an output may have waiting there, and what of theirs was left out.
final class LineAccount: Sendable {
    /// Between two calls of a report, in seconds.
    private static let quiet = 60

    private let limit: Int
    private let waiting = Atomic<Int>(0)
    private let lost = Atomic<Int64>(0)
    private let told = Atomic<Int64>(0)
    private let report: Mutex<LineLossReport>
    private let toldAt = Mutex<Int?>(nil)

    /// - Parameter limit: In bytes.
    init(limit: Int, report: LineLossReport) {
        self.limit = limit
        self.report = Mutex(report)
    }

    /// Lines that were left out.
    var dropped: Int64 { lost.load(ordering: .relaxed) }
    /// There is room for no byte more.
    var isFull: Bool { waiting.load(ordering: .relaxed) >= limit }
    /// So much waits that it should be written before anything else comes.
    var isCrowded: Bool { waiting.load(ordering: .relaxed) >= limit / 4 }

    func setReport(_ report: LineLossReport) { self.report.withLock { $0 = report } }

    /// Takes room for a line. False if there isn't enough.
    func reserve(_ bytes: Int) -> Bool {
        guard waiting.add(bytes, ordering: .relaxed).newValue > limit else { return true }
        release(bytes)
        return false
    }

    func release(_ bytes: Int) { waiting.subtract(bytes, ordering: .relaxed) }
    func leaveOut() { lost.add(1, ordering: .relaxed) }

    /// Writes a line about those that were left out, if there are some and a line is how it is told. How many it is about.
    func report(into buffer: inout LineBuffer) -> Int64 {
        guard case .line(let write) = report.withLock({ $0 }) else { return 0 }
        let count = dropped - told.load(ordering: .relaxed)
        guard count > 0 else { return 0 }
        told.add(count, ordering: .relaxed)
        write(count, &buffer)
        return count
    }

    /// The line about so many was lost itself.
    func wasNotTold(of count: Int64) { told.subtract(count, ordering: .relaxed) }

    /// Calls whoever is to be called, if lines were left out and the last call is long enough ago.
    ///
    /// - Parameter isLast: There will be no other opportunity.
    func report(isLast: Bool = false) {
        guard case .call(let call) = report.withLock({ $0 }) else { return }
        let count = dropped - told.load(ordering: .relaxed)
        guard count > 0 else { return }
        let now = WallTime.seconds
        let isDue = toldAt.withLock { last in
            guard isLast || last.map({ now >= $0 + Self.quiet || now < $0 }) ?? true else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        told.add(count, ordering: .relaxed)
        call(count)
    }
}
