/// Uses from a file of comma-separated values, one in a row: `start,agent,kind,duration,bytes`.
///
/// Times are seconds, `start` since the beginning or as `2026-11-30T09:15:00Z`; the first row may be these names. An agent is any name. Empty
/// lines and lines that begin with `#` don't count.
package struct UseTrace: Sendable, Equatable {
    /// What is wrong with a row.
    package struct Problem: Error, Sendable, Equatable {
        /// The row's number in the file, from 1.
        package var line: Int
        /// What is wrong, as a sentence's end.
        package var message: String
    }

    /// The most rows that are read.
    package static let limit = 2_000_000
    /// The most days of a trace, and of a simulation.
    package static let longestDays = 100_000

    /// The uses, the earliest first. They begin on the trace's first day, at the time of day that it says.
    package private(set) var uses: [Use] = []
    /// How many agents there are.
    package private(set) var agents = 0
    /// How many days there are from the first midnight to the last row.
    package private(set) var days = 1

    /// Reads a file's text. `parse` reads a point in time, in seconds of the Unix epoch.
    package init(_ text: String, parse: (String) -> Double?) throws(Problem) {
        var names: [String: Int] = [:]
        var number = 0
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map { Self.trimmed($0) }
            if cells == [""] || cells[0].hasPrefix("#") || (uses.isEmpty && cells[0] == "start") { continue }
            func problem(_ message: String) -> Problem { Problem(line: number, message: message) }
            guard cells.count == 5 else {
                throw problem("a row has five values, start, agent, kind, duration and bytes, not \(cells.count)")
            }
            guard uses.count < Self.limit else { throw problem("there are more than \(Self.limit) rows") }
            guard let start = Double(cells[0]) ?? parse(cells[0]), start.isFinite, start >= 0, start < 1e10 else {
                throw problem("the start is seconds, or a time such as 2026-11-30T09:15:00Z, not '\(cells[0])'")
            }
            guard !cells[1].isEmpty else { throw problem("the agent has no name") }
            guard let kind = Use.Kind(rawValue: cells[2]) else {
                let kinds = Use.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw problem("there is no kind of use '\(cells[2])': \(kinds)")
            }
            guard let duration = Double(cells[3]), duration.isFinite, (0...2_592_000).contains(duration) else {
                throw problem("the duration is seconds, 30 days at most, not '\(cells[3])'")
            }
            guard let bytes = Int64(cells[4]), bytes >= 0 else { throw problem("the bytes are a whole number, not '\(cells[4])'") }
            let agent = names[cells[1]] ?? names.count
            names[cells[1]] = agent
            uses.append(Use(start: start, agent: agent, kind: kind, duration: duration, bytes: bytes))
        }
        guard let first = uses.map(\.start).min(), let last = uses.map({ $0.start + $0.duration }).max() else {
            throw Problem(line: max(1, number), message: "there are no rows")
        }
        let midnight = (first / 86_400).rounded(.down) * 86_400
        for index in uses.indices { uses[index].start -= midnight }
        uses = uses.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }.map(\.element)
        agents = names.count
        days = max(1, Int(((last - midnight) / 86_400).rounded(.up)))
        guard days <= UseTrace.longestDays else {
            throw Problem(line: number, message: "the rows are of \(days) days, more than \(UseTrace.longestDays)")
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var rest = text
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
