/// A table of texts for a terminal: as wide as its longest entries, two blanks between columns.
struct Columns {
    enum Side { case left, right }

    private let heads: [(text: String, side: Side)]
    private var rows: [[String]] = []

    init(_ heads: [(String, Side)]) { self.heads = heads.map { (text: $0.0, side: $0.1) } }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// The head and the rows, without blanks at their ends.
    var lines: [String] {
        let all = [heads.map(\.text)] + rows
        let widths = heads.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, text) in row.enumerated() {
                let blanks = String(repeating: " ", count: widths[column] - text.count)
                if column > 0 { line += "  " }
                line += heads[column].side == .left ? text + blanks : blanks + text
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

/// How numbers are written for people who look at a terminal.
enum Readable {
    /// `512 B`, `1.5 KiB`, `20 MiB`.
    static func bytes(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (Double(max(0, count)), 0)
        while value >= 1_024, unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        return unit == 0 || value >= 10 ? "\(Int64(value.rounded())) \(units[unit])" : "\(tenths(value)) \(units[unit])"
    }

    /// `4 s`, `3 min`, `2 h 5 min`, `9 d 4 h`.
    static func span(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds)) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3_600) h \(seconds / 60 % 60) min"
        default: "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
        }
    }

    /// `250 µs`, `4.2 ms`, `1.5 s`.
    static func time(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.001: "\(Int64((max(0, seconds) * 1_000_000).rounded())) µs"
        case ..<1: "\(tenths(seconds * 1_000)) ms"
        default: "\(tenths(seconds)) s"
        }
    }

    /// `0`, `4.2`, `120`.
    static func rate(_ count: Double) -> String {
        count <= 0 ? "0" : count < 10 ? tenths(count) : "\(Int64(count.rounded()))"
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
