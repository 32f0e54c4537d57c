package import ConfigurationLanguage
package import Platform
import Synchronization

/// The stream of `AuditEvent`s of one pipeline: JSON lines, written by a thread of their own. Whoever records something doesn't wait. What can't
/// be written is left out, and a record says so as soon as there is room: none is missing unmarked.
package final class AuditLog: Sendable {
    /// How much may wait to be written, in bytes.
    package static let limit = 1 << 20
    /// The longest value, in characters.
    private static let valueLimit = 300
    /// How long the end waits for records to be written.
    private static let patience = Duration.seconds(2)

    private let writer: LineWriter
    private let number = Atomic<Int64>(0)
    /// Since when records are missing that no record tells of. Held for nothing else: the writer asks while it has its own lock.
    private let lostSince = Mutex<Int?>(nil)

    /// A stream to a file, or to standard error. Nothing is written before `open`.
    package init(to path: OutputPath, limit: Int = AuditLog.limit) {
        let target: LineWriter.Target =
            switch path {
            case .standardError: .standardError
            case .file(let path): .file(path)
            }
        writer = LineWriter(target, limit: limit)
        writer.report(
            by: .line { [weak self] count, line in
                guard let self else { return }
                let since = self.lostSince.withLock { $0.take() } ?? WallTime.seconds
                self.write(.gap, [(.lost, "\(count)"), (.since, Timestamp.utc(since))], into: &line)
            })
    }

    /// Opens the file, for appending; anew, if it is open. Throws what is wrong.
    package func open() throws(LineFileProblem) { try writer.open() }

    /// Adds a record. On any thread; it doesn't wait.
    package func record(_ event: AuditEvent, _ members: KeyValuePairs<AuditMember, String>) {
        let isWritten = writer.write(isUrgent: true) { line in write(event, members.map { ($0.key, $0.value) }, into: &line) }
        if !isWritten { lostSince.withLock { $0 = $0 ?? WallTime.seconds } }
    }

    /// Takes nothing more, and returns when what was recorded is written, as far as it can be.
    package func finish() async { await writer.finish(within: Self.patience) }

    /// The number is given while the writer has its lock, so that numbers stand in their order.
    private func write(_ event: AuditEvent, _ members: [(AuditMember, String)], into line: inout LineBuffer) {
        let number = number.add(1, ordering: .relaxed).newValue
        line.append("{\"time\":\"")
        line.appendTime()
        line.append("\",")
        line.appendMembers { json in
            json.member("number", number)
            json.member("event", event.rawValue)
            for (member, value) in members {
                json.member(member.rawValue, ForeignText.line(value, limit: Self.valueLimit))
            }
        }
        line.append("}\n")
    }
}
